"""The stop, pressed and lifted, as a file and a row: the file works when nothing else does."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import DatabaseError, connection

from adapters.text import one_line
from ethops.executor import conf
from ethops.executor.errors import CalledOffError, StoppedError
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


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks beside an effect whether it is still wanted, and says so without waiting."""

    action_id: UUID
    _pressed: threading.Event = field(default_factory=threading.Event)
    _called_off: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def is_stopped(self) -> bool:
        """Tell whether the stop is pressed."""
        return self._pressed.is_set() or by_file()

    def is_called_off(self) -> bool:
        """Tell whether its run was called off."""
        return self._called_off.is_set()

    def check(self) -> None:
        """Ask now, and wait for the answer; as `check_wanted` raises."""
        check_wanted(self.action_id)

    def look(self) -> None:
        """Look every so often until it is over."""
        while not self.over.wait(LOOK_SECONDS):
            if is_pressed():
                self._pressed.set()
            if is_called_off(self.action_id):
                self._called_off.set()
        connection.close()


@contextmanager
def watched(action_id: UUID) -> Iterator[Watch]:
    """Yield what tells whether an effect is still wanted.

    The rows are asked beside the caller, so that a database that hangs keeps no file from stopping.
    """
    watch = Watch(action_id)
    threading.Thread(target=watch.look, name="stop", daemon=True).start()
    try:
        yield watch
    finally:
        watch.over.set()


def check_wanted(action_id: UUID) -> None:
    """Let an effect begin, or be written, only while nobody has called its run off.

    Asked last, within the transaction of a write: who takes a ticket holds its row, so that a
    write waits for him and then sees what he did.

    Raises:
        CalledOffError: somebody has.
        DatabaseError: nobody can tell.
    """
    if controls.called_off(action_id):
        raise CalledOffError("its run was called off before it began")


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
