"""How a clock stands now, to the second. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from ethops.sla.calendars import SECOND, elapsed, opens
from ethops.sla.errors import NeverOpenError
from ethops.sla.stopwatch import WARN_PERCENT, Kind, Phase
from ethops.sla.terms import Given

Word: TypeAlias = Literal["met", "missed", "running", "paused", "late"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One clock of a ticket; `left_s` is negative where it is over its target."""

    kind: Kind
    word: Word
    target_s: int
    used_s: int
    due_at: datetime | None
    calendar: str
    outside: bool
    counts_again: datetime | None
    """Where it runs and no time counts now: when it does again."""

    @property
    def left_s(self) -> int:
        """Return what is left of the target."""
        return self.target_s - self.used_s

    @property
    def urgent(self) -> bool:
        """True where it runs, and three quarters of the target are used."""
        return self.word == "late" or (
            self.word == "running" and self.used_s * 100 >= self.target_s * WARN_PERCENT
        )


def standing(
    *,
    kind: Kind,
    phase: Phase,
    used_s: int,
    since: datetime,
    due_at: datetime | None,
    given: Given,
    now: datetime,
) -> Standing:
    """Return how a clock stands, of which `used_s` were counted when its phase began."""
    again = None
    if phase == "running":
        used_s += elapsed(given.calendar, since, now)
        again = _counts_again(given, now)
    return Standing(
        kind=kind,
        word=_word(phase, due_at, now),
        target_s=given.target_s,
        used_s=used_s,
        due_at=due_at,
        calendar=given.calendar_name,
        outside=given.outside,
        counts_again=again,
    )


def _word(phase: Phase, due_at: datetime | None, now: datetime) -> Word:
    if phase == "stopped":
        return "met" if due_at is None else "missed"
    # A clock is over its target in the second after the one in which it was due.
    if due_at is not None and due_at <= now - SECOND:
        return "late"
    return "running" if phase == "running" else "paused"


def _counts_again(given: Given, now: datetime) -> datetime | None:
    try:
        again = opens(given.calendar, now)
    except NeverOpenError:
        return None
    return None if again == now else again
