"""Time that counts: the hours of a calendar in its zone, to the second. Pure.

An instant counts if the wall clock of the calendar's zone then shows a time within the hours of a
day that is no holiday. So an hour that a clock skips counts for nobody, and one that it shows twice
counts twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from ethops.sla.errors import NeverOpenError

Hours: TypeAlias = tuple[tuple[int, int], ...]
"""Begin and end in seconds of the wall clock's day, in order; 86,400 is midnight after it."""
Piece: TypeAlias = tuple[datetime, datetime]

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
ALL_DAY: Final[Hours] = ((0, 86_400),)
FURTHEST_DAYS: Final = 3_660
STEP: Final = timedelta(hours=6)
"""No zone has ever changed its clocks twice within so little."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody is there: hours per weekday from Monday on, less holidays, in a zone."""

    zone: str
    week: tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
    holidays: frozenset[date] = frozenset()

    @property
    def always(self) -> bool:
        """True where every second counts."""
        return not self.holidays and all(hours == ALL_DAY for hours in self.week)


ALWAYS: Final = Calendar("UTC", (ALL_DAY,) * 7)


def elapsed(calendar: Calendar, begin: datetime, end: datetime) -> int:
    """Return how many whole seconds count between two instants; 0 where the second is earlier."""
    if calendar.always:
        return max(0, (end - begin) // SECOND)
    counted = timedelta()
    for piece in _pieces(calendar, begin, end.astimezone(UTC).date()):
        if piece[0] >= end:
            break
        counted += min(piece[1], end) - piece[0]
    return counted // SECOND


def add(calendar: Calendar, begin: datetime, seconds: int) -> datetime:
    """Return the first instant, at or after `begin`, by which so many seconds have counted.

    Raises:
        NeverOpenError: the calendar has not so many within ten years.
    """
    left = timedelta(seconds=seconds)
    if seconds <= 0 or calendar.always:
        return begin + max(left, timedelta())
    for opens, closes in _pieces(calendar, begin, _furthest(begin)):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise NeverOpenError(f"{seconds} s from {begin:%Y-%m-%d} on are not found in {calendar.zone}.")


def opens(calendar: Calendar, at: datetime) -> datetime:
    """Return `at` where time counts then, else when it does next.

    Raises:
        NeverOpenError: it never does within ten years.
    """
    for piece in _pieces(calendar, at, _furthest(at)):
        return piece[0]
    raise NeverOpenError(f"Nobody is there from {at:%Y-%m-%d} on in {calendar.zone}.")


def _furthest(begin: datetime) -> date:
    return begin.astimezone(UTC).date() + timedelta(days=FURTHEST_DAYS)


def _pieces(calendar: Calendar, begin: datetime, last: date) -> Iterator[Piece]:
    """Yield what counts from `begin` to the end of the day `last` in UTC, in order."""
    day = begin.astimezone(UTC).date()
    while day <= last:
        for opens, closes in _of_day(calendar, day):
            if closes > begin:
                yield max(opens, begin), closes
        day += DAY


@lru_cache(maxsize=8_192)
def _of_day(calendar: Calendar, day: date) -> tuple[Piece, ...]:
    """Return what counts of a day in UTC, in order."""
    return tuple(
        piece
        for begin, end, offset in _segments(calendar.zone, day)
        for piece in _of_segment(calendar, begin, end, offset)
    )


def _of_segment(
    calendar: Calendar, begin: datetime, end: datetime, offset: timedelta
) -> Iterator[Piece]:
    """Yield what counts between two instants between which the zone keeps its offset."""
    wall = (begin + offset).date()
    while wall <= (end + offset).date():
        midnight = datetime.combine(wall, time(), UTC) - offset
        for opens, closes in () if wall in calendar.holidays else calendar.week[wall.weekday()]:
            piece = (
                max(begin, midnight + timedelta(seconds=opens)),
                min(end, midnight + timedelta(seconds=closes)),
            )
            if piece[0] < piece[1]:
                yield piece
        wall += DAY


@lru_cache(maxsize=8_192)
def _segments(zone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Cut a day in UTC where the zone's offset changes."""
    found: list[tuple[datetime, datetime, timedelta]] = []
    begin = datetime.combine(day, time(), UTC)
    end = begin + DAY
    while begin < end:
        offset, until = _offset(zone, begin), begin
        while until < end and _offset(zone, until) == offset:
            until = min(until + STEP, end)
        if _offset(zone, until) != offset:
            until = _change(zone, max(begin, until - STEP), until)
        found.append((begin, until, offset))
        begin = until
    return tuple(found)


def _change(zone: str, before: datetime, after: datetime) -> datetime:
    """Return the second at which the zone's offset changes between two instants."""
    offset = _offset(zone, before)
    while after - before > SECOND:
        middle = before + ((after - before) // SECOND // 2) * SECOND
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
