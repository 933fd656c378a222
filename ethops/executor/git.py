"""Git on the embedded forge's bare repository, with nothing of the host: as the forge asks for it.

No attribute file reaches it either; it speaks to no other host; what it says and what it writes
are bounded.
"""

import subprocess
from pathlib import Path
from typing import Final

from adapters.forge.errors import ForgeUnavailableError, SaysTooMuchError
from adapters.forge.git import Said
from adapters.text import one_line
from ethops.imports import git
from ethops.imports.git import Bounds

SECONDS: Final = 30.0
MOST_SAID: Final = 32 * 1024 * 1024
MOST_WRITTEN: Final = 64 * 1024 * 1024
"""No file that git writes may be larger."""
SETTINGS: Final = {
    "core.attributesFile": "/dev/null",
    # A row says that a commit is there only once it is on the disk.
    "core.fsync": "all",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    # Its folder says who enters; where each family of processes has a user, a group reads there.
    "core.sharedRepository": "0640",
}
ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "GIT_ATTR_NOSYSTEM": "1"}


class BareGit:
    """Git on one bare repository, started anew for each question."""

    def __init__(self, folder: Path, *, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """Run it to its end and return what it said.

        Raises:
            ForgeUnavailableError: it is not there, took too long, or (SaysTooMuchError) said too
                much.
        """
        # Git makes the repository itself, but not the folder that it is to lie in.
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            ran = git.run(
                words,
                settings=SETTINGS,
                environment={**ENVIRONMENT, "GIT_DIR": str(self._folder)},
                bounds=Bounds(self._seconds, MOST_SAID, MOST_WRITTEN),
                stdin=stdin,
            )
        except FileNotFoundError as fault:
            raise ForgeUnavailableError("There is no git here.") from fault
        except subprocess.TimeoutExpired as fault:
            raise ForgeUnavailableError(
                f"git {words[0]} took longer than {self._seconds:.0f} s."
            ) from fault
        if len(ran.out) > MOST_SAID:
            raise SaysTooMuchError(f"git {words[0]} says more than {MOST_SAID} bytes.")
        complaint = ran.complaint[:4000].decode("utf-8", "replace")
        return Said(ran.code, ran.out, one_line(complaint, 400))
