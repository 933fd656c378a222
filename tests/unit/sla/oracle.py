"""What a stopwatch must show, found in the simplest way: minute after minute of UTC is asked.

It shares nothing with `ethops.sla` but the words for hours: no pieces of days, no offsets, no sums
of intervals. Hours and clock changes are on whole minutes in every zone that is asked here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = 60


@dataclass(frozen=True)
class Office:
    """Hours as minutes of the wall clock's day, Monday first."""

    zone: str
    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: frozenset[date]


class Clock:
    """Asks the wall clock of an office for each minute of a stretch, once."""

    def __init__(self, office: Office, begin: datetime, days: int) -> None:
        self.zero = int(begin.timestamp())
        zone = ZoneInfo(office.zone)
        self.open = bytes(
            _open(office, (begin + timedelta(minutes=n)).astimezone(zone))
            for n in range(days * 24 * 60)
        )

    def counted(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield what counts between two instants (seconds of the epoch), minute by minute."""
        at = begin - begin % MINUTE
        while at < end:
            if self.open[(at - self.zero) // MINUTE]:
                yield max(at, begin), min(at + MINUTE, end)
            at += MINUTE


def _open(office: Office, wall: datetime) -> bool:
    if wall.date() in office.holidays:
        return False
    minute = wall.hour * 60 + wall.minute
    return any(opens <= minute < closes for opens, closes in office.week[wall.weekday()])


@dataclass(frozen=True)
class Shown:
    """What the oracle says, in seconds of the epoch."""

    phase: str
    used_s: int
    since: int
    due: int | None
    warn: int | None


def shown(clock: Clock, kind: str, passages: Sequence[tuple[str, int]], target: int) -> Shown:
    """Follow the ticket as a patient person with a stopwatch would."""
    marks = _marks(kind, passages)
    horizon = clock.zero + len(clock.open) * MINUTE
    limits = [target, (target * 3 + 3) // 4]
    reached: list[int | None] = [None, None]
    used = 0
    for (at, phase), (until, _) in zip(marks, [*marks[1:], (horizon, "")], strict=True):
        used_then = used
        for opens, closes in clock.counted(at, until) if phase == "running" else ():
            for n, limit in enumerate(limits):
                if reached[n] is None and used + closes - opens >= limit:
                    reached[n] = opens + limit - used
            used += closes - opens
            if until == horizon and None not in reached:
                break
    since, phase = marks[-1]
    if phase != "running":
        reached = [at if used > limits[n] else None for n, at in enumerate(reached)]
    return Shown(phase, used_then, since, reached[0], reached[1])


def _marks(kind: str, passages: Sequence[tuple[str, int]]) -> list[tuple[int, str]]:
    """Return from when on the clock does what."""
    marks: list[tuple[int, str]] = []
    for n, (_, at) in enumerate(passages):
        phase = _phase(kind, [state for state, _ in passages], n)
        if kind == "tto" and marks and marks[-1][1] == "stopped":
            break
        if not marks or marks[-1][1] != phase:
            marks.append((at, phase))
    return marks


def _phase(kind: str, states: Sequence[str], n: int) -> str:
    if kind == "tto":
        return "running" if states[n] in {"new", "escalated"} else "stopped"
    if states[n] in {"resolved", "closed"}:
        return "running" if set(states[n:]) - {"resolved", "closed"} else "stopped"
    return "paused" if states[n] == "pending" else "running"


def at(seconds: int) -> datetime:
    """Return an instant as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def at_or_never(seconds: int | None) -> datetime | None:
    """Return an instant as a time, or None for one that does not come."""
    return None if seconds is None else at(seconds)


Row = tuple[str, str, str, bool, int | None]
"""A line of the table: class, priority, service (empty: every one), declared, seconds."""


def promised(
    rows: Sequence[Row], ticket: tuple[str, str], named: str, of_cis: frozenset[str]
) -> Row | None:
    """Walk from the most particular shelf to the least; on a shelf the shortest is taken."""
    mine = [row for row in rows if row[:2] == ticket and row[4] is not None]
    others = sorted(of_cis - {named})
    for services in ([named] if named else [], others, [""]):
        for declared in (True, False):
            shelf = [row for row in mine if row[2] in services and row[3] is declared]
            if shelf:
                return min(shelf, key=lambda row: (row[4] or 0, row[2]))
    return None
