"""Git on the embedded forge's bare repository, with nothing of the host: as the forge asks for it.

No hook, no setting of this machine or its users, no attribute file and none of our environment
reaches it; it speaks to no other host; what it says and what it writes are bounded.
"""

import os
import resource
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from adapters.forge.errors import ForgeUnavailableError
from adapters.forge.git import Said
from adapters.text import one_line

SECONDS: Final = 30.0
MOST_SAID: Final = 32 * 1024 * 1024
MOST_WRITTEN: Final = 64 * 1024 * 1024
"""No file that git writes may be larger."""
SETTINGS: Final = {
    "core.attributesFile": "/dev/null",
    "core.fsmonitor": "false",
    # A row says that a commit is there only once it is on the disk.
    "core.fsync": "all",
    "core.hooksPath": "/dev/null",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
}
ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class BareGit:
    """Git on one bare repository, started anew for each question."""

    def __init__(self, folder: Path, *, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """Run it to its end and return what it said.

        Raises:
            ForgeUnavailableError: it is not there, took too long, or said too much.
        """
        # What it says goes into files, so that these are bounded too.
        with (
            tempfile.TemporaryFile() as told,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as complaint,
        ):
            told.write(stdin)
            told.seek(0)
            code = self._run(words, told, out, complaint)
            said = _head(out, MOST_SAID + 1)
            if len(said) > MOST_SAID:
                raise ForgeUnavailableError(f"git {words[0]} says more than {MOST_SAID} bytes.")
            return Said(
                code, said, one_line(_head(complaint, 4000).decode("utf-8", "replace"), 400)
            )

    def _run(
        self, words: tuple[str, ...], told: IO[bytes], out: IO[bytes], complaint: IO[bytes]
    ) -> int:
        # Git makes the repository itself, but not the folder that it is to lie in.
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        try:
            child = subprocess.Popen(
                ["git", *settings, *words],  # noqa: S607
                env={**ENVIRONMENT, "GIT_DIR": str(self._folder)},
                cwd="/",
                stdin=told,
                stdout=out,
                stderr=complaint,
                start_new_session=True,
            )
        except FileNotFoundError as fault:
            raise ForgeUnavailableError("There is no git here.") from fault
        _keep_small(child.pid)
        try:
            return child.wait(self._seconds)
        except subprocess.TimeoutExpired as fault:
            raise ForgeUnavailableError(
                f"git {words[0]} took longer than {self._seconds:.0f} s."
            ) from fault
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _head(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _keep_small(pid: int) -> None:
    """Let a child write no file larger than is good for us.

    Its own limit is set, not ours for it to inherit: other threads of this process write too.
    """
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (MOST_WRITTEN, hard))
