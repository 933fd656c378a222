"""Git as this house starts it: with nothing of the host, and bounded. Who starts it says how far.

No hook, no setting of this machine or its users and no answer at a terminal; what it says goes
into files, so that these are bounded too.
"""

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

SETTINGS: Final[Mapping[str, str]] = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Whoever may speak to somebody says so.
    "protocol.allow": "never",
}
ENVIRONMENT: Final[Mapping[str, str]] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
MOST_COMPLAINED: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that it may take, bytes that it may say, and bytes of each file that it writes."""

    seconds: float
    said: int
    written: int


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended, and what it said; of `out` one byte more than it may say."""

    code: int
    out: bytes
    complaint: bytes


def run(
    words: Sequence[str],
    *,
    settings: Mapping[str, str],
    environment: Mapping[str, str],
    bounds: Bounds,
    stdin: bytes = b"",
) -> Ran:
    """Run it to its end; settings and environment are added to those that always hold.

    Raises:
        FileNotFoundError: there is no git here.
        TimeoutExpired: it took too long, and was ended.
    """
    whole = {**SETTINGS, **settings}
    said = [word for name, value in whole.items() for word in ("-c", f"{name}={value}")]
    with (
        tempfile.TemporaryFile() as told,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as complaint,
    ):
        told.write(stdin)
        told.seek(0)
        child = subprocess.Popen(
            ["git", *said, *words],  # noqa: S607
            env={**ENVIRONMENT, **environment},
            cwd="/",
            stdin=told,
            stdout=out,
            stderr=complaint,
            start_new_session=True,
        )
        _keep_small(child.pid, bounds.written)
        _wait(child, bounds.seconds)
        return Ran(child.returncode, _head(out, bounds.said + 1), _head(complaint, MOST_COMPLAINED))


def _wait(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    try:
        child.wait(seconds)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _head(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _keep_small(pid: int, most: int) -> None:
    """Let a child write no file larger than is good for us.

    Its own limit is set, not ours for it to inherit: other threads of this process write too.
    """
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
