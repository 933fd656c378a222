"""Runs one prepared play in a process of its own: `python -m ethops.executor.play_child FOLDER`.

It ends, with everything it started, as soon as its standard input ends: that is when the executor
is gone, however that came. (The kernel's parent-death signal follows the thread that forked, and
the executor forks in worker threads.)
"""

import os
import sys
import threading
from pathlib import Path
from uuid import UUID

import ansible_runner

from ethops.executor import marks

IDENT = "play"


def main(folder: Path) -> int:
    """Run the play that lies in the folder; its name is the action's id."""
    watch = threading.Thread(target=_end_with_executor, args=(UUID(folder.name),), daemon=True)
    watch.start()
    ran = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=(folder / "playbook").read_text(encoding="utf-8"),
        ident=IDENT,
        suppress_env_files=True,
        quiet=True,
        settings={"pexpect_timeout": 1},
    )
    return 0 if ran.status == "successful" else 1


def _end_with_executor(action_id: UUID) -> None:
    while os.read(sys.stdin.fileno(), 64):
        pass
    marks.kill(action_id)
    os._exit(137)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
