"""What the ledger's own processes share: each serves as one role, until it is told to stop."""

import logging
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar, Final, TypeAlias

import psycopg

HEARTBEAT_SECONDS: Final = 2.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0

Link: TypeAlias = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger("audit.processes")


class Process(ABC):
    """One loop around one connection, which begins anew after every loss of the database."""

    name: ClassVar[str]
    """Under which it says that it lives."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._going = True
        self._beaten = 0.0

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End after what is in hand."""
        self._going = False

    def run(self) -> None:
        """Serve until stopped, through every loss of the database."""
        failures = 0
        while self._going:
            began, self._beaten = time.monotonic(), 0.0
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    self._serve(connection)
            except psycopg.OperationalError as fault:
                # Away, or without room: one that answers but cannot write is not pressed either.
                log.warning("the database does not serve: %s", str(fault).splitlines()[0])
                # It tells nobody when it serves again, so each attempt waits a little longer.
                lasted = time.monotonic() - began > LONGEST_PAUSE_SECONDS
                failures = 1 if lasted else failures + 1
                time.sleep(pause_after(failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))

    @abstractmethod
    def _serve(self, connection: Link) -> None:
        """Do its work while it is going; psycopg's OperationalError where it cannot."""

    def _beat(self, connection: Link) -> bool:
        """Say that it lives where it is time to; tells whether it was."""
        if time.monotonic() - self._beaten <= HEARTBEAT_SECONDS:
            return False
        connection.execute("SELECT audit.alive(%s)", [self.name])
        self._beaten = time.monotonic()
        return True


def pause_after(failures: int, first: float, longest: float) -> float:
    """Return how long to wait after so many failures in a row: twice as long each time."""
    return min(first * 2.0 ** min(failures - 1, 30), longest)


def origin(connection: Link) -> str:
    """Return which deployment this log is of."""
    row = connection.execute("SELECT origin FROM audit.head()").fetchone()
    if row is None:
        raise SystemExit("the ledger has no head: run the migrations first")
    return str(row[0])


def log_to_stderr() -> None:
    """Let what is logged go where a supervisor reads it."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")


def main(make: Callable[[str], Process]) -> int:
    """Run a process until SIGTERM or SIGINT, as the role that DATABASE_URL names."""
    log_to_stderr()
    dsn = os.environ.get("DATABASE_URL", "")
    if not dsn:
        log.error("DATABASE_URL is not set: give this process its own role's DSN")
        return 2
    process = make(dsn)
    signal.signal(signal.SIGTERM, process.stop)
    signal.signal(signal.SIGINT, process.stop)
    process.run()
    return 0
