"""The stop, pressed and lifted, as a file and a row: the file works when nothing else does."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.db import DatabaseError, connection

from adapters.text import one_line
from ethops.executor import conf
from personas import gate

log = logging.getLogger(__name__)

LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class StopFile:
    """The stop file as it lies there: what it says, and since when."""

    says: str
    at: datetime


def press(*, by: str, why: str) -> None:
    """Stop: first the file, then the row; one that cannot be written does not keep the other.

    Raises:
        DatabaseError: the row could not be pressed; `by_file` tells whether the file stands.
    """
    try:
        conf.executor().stop_file.write_text(f"{by}: {why}\n", encoding="utf-8")
    except OSError:
        log.exception("the stop file cannot be written")
    gate.press_stop(by=by, why=why)


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
        at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
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
