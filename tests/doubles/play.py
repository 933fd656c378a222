"""Runs one entry of the catalogue for real, on this host: `python -m tests.doubles.play ...`.

As the executor does it, from the export by hash to the judgement of what was left behind, only
without a database: for entries that need a mount namespace of their own, or a stand-in of systemd.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from adapters.cmdb.port import Host
from ethops.env import CLONE
from ethops.executor import arguments, inventory, runner
from ethops.executor.export import export
from ethops.executor.findings import judge
from ethops.executor.runner import Folder
from ethops.executor.stop import Watch
from personas.catalogue import tree_hash


class Unwatched(Watch):
    """Nobody stops it, and nobody calls it off: there is no database to do that in."""

    def is_stopped(self) -> bool:
        return False

    def check(self) -> None:
        return None


PLAYBOOKS = CLONE / "playbooks"
UNSHARE = shutil.which("unshare") or "unshare"
HERE = Host("localhost", "local", "", "", 22, "")


def run(
    entry: str, given: Mapping[str, str], state: Path, *, playbooks: Path = PLAYBOOKS
) -> dict[str, Any]:
    """Run it; returns what the play is found to have done, as `kind` and its result."""
    declared = yaml.safe_load((playbooks / "catalogue.yaml").read_text(encoding="utf-8"))[entry]
    folder = Folder(state / str(uuid4()))
    folder.path.mkdir(mode=0o700, parents=True)
    checked = arguments.check(declared["parameters"], given)
    source = playbooks / declared["folder"]
    export(source, folder.project, expected=tree_hash(source))
    runner.prepare(
        folder,
        playbook=declared["playbook"],
        inventory=inventory.document(HERE, scratch=folder.scratch),
        extravars=arguments.as_extravars(checked),
    )
    runner.run(
        folder,
        timeout_s=declared["timeout_s"],
        watch=Unwatched(folder.action_id),
        is_ours=lambda: True,
    )
    left = runner.left_behind(folder)
    found = judge(left, HERE.name)
    events: list[Any] = [*left.events]
    ran = [str(e["event_data"]["task"]) for e in events if e["event"] == "runner_on_ok"]
    return {"kind": found.kind, "ran": ran, **found.result}


def run_apart(
    entry: str, given: Mapping[str, str], state: Path, before: str, after: str = "true"
) -> dict[str, Any]:
    """Run it in a mount namespace of its own, after the shell commands that furnish it.

    `after` is looked at there when the play is over; what it says comes back as `after`.
    """
    command = [sys.executable, "-m", "tests.doubles.play", entry, json.dumps(given), str(state)]
    done = subprocess.run(
        [UNSHARE, "--mount", "sh", "-c", f'set -e\n{before}\n"$@"\n{after}', "sh", *command],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, rest = done.stdout.partition("\n")
    return {**json.loads(said), "after": rest.strip()}


if __name__ == "__main__":
    answer = json.dumps(run(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])))
    sys.stdout.write(answer + "\n")
