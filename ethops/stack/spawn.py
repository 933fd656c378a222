"""Start one process so that it can neither outlive the supervisor nor be hit by its signals."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ethops.stack.places import Account

PR_SET_PDEATHSIG = 1
LARGEST_LOG_BYTES = 16 * 1024 * 1024
STANDS_BACK = 10
"""Niceness: a ninth of the weight of who does not stand back (sched(7))."""
AUTOGROUP_TRIES = 20

_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session; the kernel sends `death_signal` when our thread ends.

    Call this from a thread that lives as long as the child is wanted: the parent-death signal
    follows the thread that forked, not the process.
    """
    parent = os.getpid()

    def bind_to_parent() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the supervisor died between fork and here
            os._exit(1)

    with _appended(log) as stream:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=bind_to_parent,  # noqa: PLW1509  one system call, no lock taken
        )


def stand_back(process: int) -> None:
    """Give a process, and what it will start, less weight where cores are short (sched(7)).

    Each of ours has a session of its own. Where the kernel groups by session, which most do, a
    process's niceness counts within its session alone, and the session's beside others.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process, STANDS_BACK)
    for _ in range(AUTOGROUP_TRIES):
        try:
            Path(f"/proc/{process}/autogroup").write_text(str(STANDS_BACK))
            return
        except BlockingIOError:  # it takes one such word in a tenth of a second
            time.sleep(0.11)
        except OSError:  # no such kernel, or the process has ended
            return


def _appended(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log.open("ab")
