"""Which span of time the GPU page shows, in two scales: sixteen cells, and one of them closely.

`?span=1|4|24` (hours) follows the clock, `?from=&to=` (ISO 8601) names the close span. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

CELLS: Final = 16
SPANS: Final[Mapping[str, timedelta]] = {
    hours: timedelta(hours=int(hours)) / CELLS for hours in ("1", "4", "24")
}
"""Hours of the whole -> length of the close span."""
USUAL: Final = "4"
SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=6)
STEPS: Final = 240
"""Columns of the whole: a minute each, of four hours; several cards share them."""

UNREADABLE: Final = "A time in the address cannot be read: write 2026-11-21T02:45:00Z."
UNFIT: Final = "From and to must lie 1 minute to 6 hours apart, in this order."
NOT_OVER: Final = "The span in the address is not over yet."


@dataclass(frozen=True, slots=True)
class Cell:
    """A sixteenth of the whole, and where it is shown closely."""

    start: datetime
    end: datetime
    query: str
    here: bool

    @property
    def name(self) -> str:
        """`02:49 to 03:04`."""
        return between(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Window:
    """The close span, the whole around it, and whether it follows the clock."""

    start: datetime
    end: datetime
    first: datetime
    last: datetime
    span: str
    live: bool
    fault: str = ""

    @property
    def length(self) -> timedelta:
        """Of the close span."""
        return self.end - self.start

    @property
    def query(self) -> str:
        """What brings this window again."""
        if self.live:
            return "" if self.span == USUAL else urlencode({"span": self.span})
        return fixed(self.start, self.end)

    def cells(self) -> list[Cell]:
        """Return the sixteen parts of the whole; in a live window the newest follows the clock."""
        starts = [self.first + self.length * n for n in range(CELLS)]
        return [
            Cell(
                start=start,
                end=start + self.length,
                query=self.query if start == self.start else fixed(start, start + self.length),
                here=start == self.start,
            )
            for start in starts
        ]

    def moved(self, cells: int, now: datetime) -> str:
        """Return the query of the span so many cells later; empty where that is the future."""
        start = self.start + self.length * cells
        return "" if start + self.length > now else fixed(start, start + self.length)

    def other(self, hours: str) -> str:
        """Return the query of another scale with the same end."""
        if self.live:
            return "" if hours == USUAL else urlencode({"span": hours})
        return fixed(self.end - SPANS[hours], self.end)


def window(said: Mapping[str, str], now: datetime) -> Window:
    """Read what the address asks for; what cannot be read is said and the clock is followed."""
    if "from" not in said and "to" not in said:
        span = said.get("span", USUAL)
        return _live(span if span in SPANS else USUAL, now)
    start, end = moment(said.get("from", "")), moment(said.get("to", ""))
    if start is None or end is None:
        return _live(USUAL, now, UNREADABLE)
    if not SHORTEST <= end - start <= LONGEST:
        return _live(USUAL, now, UNFIT)
    if end > now:
        return _live(USUAL, now, NOT_OVER)
    length = end - start
    # As much of what came after as fits, in whole cells; the middle where the present is far.
    after = (now - end) // length
    last = end + length * (after if after < CELLS else CELLS // 2)
    span = next((hours for hours, close in SPANS.items() if close == length), "")
    return Window(start, end, last - length * CELLS, last, span, live=False)


def moment(text: str) -> datetime | None:
    """Read a time to the second; one without a zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.replace(microsecond=0) if at.year > 2000 else None


def fixed(start: datetime, end: datetime) -> str:
    """Return the query that names a close span."""
    return urlencode({"from": stamp(start), "to": stamp(end)}, safe=":")


def stamp(at: datetime) -> str:
    """Return a time as it stands in an address."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def between(start: datetime, end: datetime) -> str:
    """Return `02:49 to 03:04`, with seconds where it is short and days where it is long."""
    form = "%H:%M:%S" if end - start < timedelta(minutes=5) else "%H:%M"
    if end - start > timedelta(hours=12):
        form = "%-d %b %H:%M"
    return f"{start.astimezone(UTC):{form}} to {end.astimezone(UTC):{form}}"


def _live(span: str, now: datetime, fault: str = "") -> Window:
    length = SPANS[span]
    # Moves by a few seconds at once, so that what is drawn often stays the same.
    grain = max(5, int(length.total_seconds()) // 180)
    seconds = -(-int(now.timestamp()) // grain) * grain
    end = datetime.fromtimestamp(seconds, UTC)
    return Window(end - length, end, end - length * CELLS, end, span, live=True, fault=fault)
