"""A stopwatch over the states that a ticket came into: what it has used, and when it is due. Pure.

It runs, is paused, or has stopped. Whoever resolves a ticket too early has stopped nothing: once
the ticket is open again, the time in between counts as if it had not been resolved.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from adapters.tickets.passages import Passage
from adapters.tickets.states import SETTLED
from ethops.sla.calendars import ALWAYS, Calendar, add, elapsed

Kind: TypeAlias = Literal["tto", "ttr"]
Phase: TypeAlias = Literal["running", "paused", "stopped"]

KINDS: Final[tuple[Kind, ...]] = ("tto", "ttr")
WARN_PERCENT: Final = 75

PAUSES: Final = frozenset({"pending", "waiting_for_approval"})
"""States in which the next word is somebody else's: only people move a ticket into them."""
UNOWNED: Final = frozenset({"new", "validated", "approved", "escalated"})
"""States in which nobody has taken a ticket."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stopwatch shows.

    `used_s` counts up to `since`, when the phase began. A running one is due at `due_at`; any other
    has passed its target where `due_at` is set, then. So with `warn_at` and three quarters of it.
    """

    phase: Phase
    used_s: int
    since: datetime
    due_at: datetime | None
    warn_at: datetime | None


def owning(state: str) -> Phase:
    """Say what a state does to the time until somebody has the ticket."""
    if state in UNOWNED:
        return "running"
    return "paused" if state == "waiting_for_approval" else "stopped"


def solving(state: str) -> Phase:
    """Say what a state does to the time until the ticket is resolved."""
    if state in SETTLED:
        return "stopped"
    return "paused" if state in PAUSES else "running"


PHASES: Final[Mapping[Kind, Callable[[str], Phase]]] = {"tto": owning, "ttr": solving}


def warn_after(target_s: int) -> int:
    """Return after how many seconds a stopwatch warns: three quarters of its target, rounded up."""
    return -(-target_s * WARN_PERCENT // 100)


def read(
    kind: Kind, history: Iterable[Passage], target_s: int, calendar: Calendar
) -> Reading | None:
    """Return what the stopwatch of a ticket shows; None where the ticket has no history.

    Raises:
        NeverOpenError: by this calendar it is never due.
    """
    marks = _marks(kind, history)
    if not marks:
        return None
    due = _Limit(target_s, calendar)
    warn = _Limit(warn_after(target_s), calendar)
    used = 0
    for (at, phase), (until, _) in pairwise(marks):
        if phase == "running":
            more = elapsed(calendar, at, until)
            due.ran(at, used, more)
            warn.ran(at, used, more)
            used += more
    since, phase = marks[-1]
    return Reading(phase, used, since, due.at(phase, since, used), warn.at(phase, since, used))


def phase(kind: Kind, history: Iterable[Passage]) -> Phase | None:
    """Return what the stopwatch of a ticket does now; None where the ticket has no history."""
    marks = _marks(kind, history)
    return marks[-1][1] if marks else None


def outside(
    kind: Kind, history: Iterable[Passage], target_s: int, due_at: datetime | None
) -> Reading | None:
    """Return what the stopwatch shows where an outside desk says when it is due."""
    marks = _marks(kind, history)
    if not marks:
        return None
    since, now = marks[-1]
    used = elapsed(ALWAYS, marks[0][0], since)
    if due_at is None or (now == "stopped" and since <= due_at):
        return Reading(now, min(used, target_s), since, None, None)
    lead = (due_at - marks[0][0]) * (100 - WARN_PERCENT) // 100
    return Reading(now, used, since, due_at, due_at - lead)


class _Limit:
    """Watches for the moment by which so many seconds are used."""

    def __init__(self, seconds: int, calendar: Calendar) -> None:
        self._seconds, self._calendar = seconds, calendar
        self._reached: datetime | None = None

    def ran(self, begin: datetime, used: int, more: int) -> None:
        """Count a stretch in which the clock ran."""
        if self._reached is None and used + more >= self._seconds:
            self._reached = add(self._calendar, begin, self._seconds - used)

    def at(self, phase: Phase, since: datetime, used: int) -> datetime | None:
        """Return when it is passed, or None where it was not and nothing runs."""
        if phase == "running":
            return self._reached or add(self._calendar, since, self._seconds - used)
        return self._reached if used > self._seconds else None


def _marks(kind: Kind, history: Iterable[Passage]) -> Sequence[tuple[datetime, Phase]]:
    """Return from when on the clock does what, whole seconds in order."""
    marks: list[tuple[datetime, Phase]] = []
    for passage in history:
        at = passage.at.astimezone(UTC).replace(microsecond=0)
        marks.append((max(at, marks[-1][0]) if marks else at, PHASES[kind](passage.state)))
        if kind == "tto" and marks[-1][1] == "stopped":
            break
    return _as_one(_reopened(marks))


def _reopened(marks: Sequence[tuple[datetime, Phase]]) -> list[tuple[datetime, Phase]]:
    """Let the clock run on through every stop but the last."""
    open_last = max((n for n, (_, phase) in enumerate(marks) if phase != "stopped"), default=-1)
    return [
        (at, "running" if phase == "stopped" and n < open_last else phase)
        for n, (at, phase) in enumerate(marks)
    ]


def _as_one(marks: Sequence[tuple[datetime, Phase]]) -> list[tuple[datetime, Phase]]:
    """Keep only where the phase changes; closing what is resolved moves nothing."""
    return [mark for n, mark in enumerate(marks) if n == 0 or marks[n - 1][1] != mark[1]]
