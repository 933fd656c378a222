"""The stop, pressed and lifted, as a file and a row: the file works when nothing else does."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connection

from adapters.text import one_line
from ethops.executor import conf
from ethops.executor.errors import StoppedError
from personas import controls, gate

log = logging.getLogger(__name__)

LONGEST_REASON: Final = 500
LOOK_SECONDS: Final = 1.0
"""How often the row is asked while something runs; the file is looked for at each turn."""
TARGET: Final = "systemd target"
"""What a file begins with that the unit of the target lays down."""


@dataclass(frozen=True, slots=True)
class StopFile:
    """The stop file as it lies there: what it says, and since when."""

    says: str
    at: datetime

    @property
    def via(self) -> str:
        """By which door it was laid down."""
        return "target" if self.says.startswith(TARGET) else "file"


def press(*, by: str, why: str, via: str = "command") -> None:
    """Stop: first the file, then the row; one that cannot be written does not keep the other.

    Raises:
        DatabaseError: the row could not be pressed; `by_file` tells whether the file stands.
    """
    try:
        conf.executor().stop_file.write_text(f"{by}: {why}\n", encoding="utf-8")
    except OSError:
        log.exception("the stop file cannot be written")
    gate.press_stop(by=by, why=why, via=via)


def lift(*, by: str, why: str) -> None:
    """Resume in the name of a person: first the row, which is on record, and then the file.

    Raises:
        DatabaseError: the row could not be lifted; the file stays too.
        OSError: the file cannot be removed, so the stop stays.
    """
    gate.lift_stop(by=by, why=why)
    conf.executor().stop_file.unlink(missing_ok=True)


def seen_file() -> StopFile | None:
    """Return the stop file, None where there is none."""
    file = conf.executor().stop_file
    try:
        # Not mtime, which a copy may bring along from long ago.
        at = datetime.fromtimestamp(file.stat().st_ctime, UTC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return StopFile(_says(file), at)


def _says(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return one_line(stream.read(LONGEST_REASON), LONGEST_REASON)
    except OSError:  # whatever it is, it stands there, and that is what counts
        return ""


def by_file() -> bool:
    """Tell whether the stop file is there."""
    return conf.executor().stop_file.exists()


def check_file() -> None:
    """Let an effect begin only while no stop file is there; nothing of the database is asked.

    Called last, after all that may have waited for a database that hung.

    Raises:
        StoppedError: it is there.
    """
    if by_file():
        raise StoppedError("the stop was pressed before it began")


@contextmanager
def watched() -> Iterator[Callable[[], bool]]:
    """Yield what tells at once, and without waiting for anybody, whether the stop is pressed.

    The row is asked beside the caller: a database that hangs must not keep the file from stopping.
    """
    pressed, over = threading.Event(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS) and not pressed.is_set():
            if is_pressed():
                pressed.set()
        connection.close()

    threading.Thread(target=look, name="stop", daemon=True).start()
    try:
        yield lambda: pressed.is_set() or by_file()
    finally:
        over.set()


def is_called_off(action_id: UUID) -> bool:
    """Tell whether a person has ended or isolated the run of an effect; a dead database says no."""
    try:
        return controls.called_off(action_id)
    except DatabaseError:
        connection.close()
        return False


def is_pressed() -> bool:
    """Tell whether either the file or the row says stop; a dead database says nothing."""
    if by_file():
        return True
    try:
        return gate.stopped()
    except DatabaseError as fault:
        log.warning("the stop's row cannot be read: %s", fault)
        connection.close()
        return False
