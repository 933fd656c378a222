"""A tiny process keeper: starts declared services, writes their pidfiles, starts them again.

It stands for systemd in the demo, so that a restart has someone to ask. It ends when its standard
input does, that is with the process that started it, and its services end with it.
"""

import argparse
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

BACKOFF_SECONDS = 0.5
TICK_SECONDS = 0.05
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class Service:
    """One kept process: what it is, where its pid is written, and how it stands."""

    name: str
    command: list[str]
    pidfile: Path
    child: subprocess.Popen[bytes] | None = None
    again_at: float = field(default=0.0)

    def tend(self, now: float) -> None:
        """Start the service where it is due, and take note of its end."""
        if self.child is None:
            if now >= self.again_at:
                self.child = _start(self.command)
                write_pid(self.pidfile, self.child.pid)
        elif self.child.poll() is not None:
            self.child = None
            self.again_at = now + BACKOFF_SECONDS

    def end(self) -> None:
        """End the service for good."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
        self.pidfile.unlink(missing_ok=True)


def write_pid(pidfile: Path, pid: int) -> None:
    """Write a pid so that no reader ever sees half of it."""
    beside = pidfile.with_name(f".{pidfile.name}.new")
    beside.write_text(f"{pid}\n", encoding="ascii")
    beside.replace(pidfile)


def read_declaration(path: Path) -> list[Service]:
    """Read `[{name, command, pidfile}]`."""
    return [
        Service(name=item["name"], command=item["command"], pidfile=Path(item["pidfile"]))
        for item in json.loads(path.read_text(encoding="utf-8"))
    ]


def keep(services: Sequence[Service]) -> None:
    """Keep the services until standard input ends."""
    try:
        while not _told_to_end():
            for service in services:
                service.tend(time.monotonic())
    finally:
        for service in services:
            service.end()


def _told_to_end() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], TICK_SECONDS)
    return bool(ready) and not os.read(sys.stdin.fileno(), 64)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # Only the main thread starts services: the kernel watches the thread, not the process.
        preexec_fn=_end_with_keeper,  # noqa: PLW1509 - one thread, one harmless system call
    )


def _end_with_keeper() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _leave(*_: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Keep what the file declares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("declaration", type=Path)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    keep(read_declaration(parser.parse_args().declaration))


if __name__ == "__main__":
    main()
