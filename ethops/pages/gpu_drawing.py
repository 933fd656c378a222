"""The card's time as SVG paths: one per tier and kind, for any width. Pure.

Columns and pieces are thick strokes, which take half the bytes of boxes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ethops.pages.words import count
from ethops.world.gpu_timeline import Spent, Waited
from gpu.tiers import TIERS

WIDE: Final = 1200
"""Units from left to right; browsers stretch them to the width there is."""
STRIP_HIGH: Final = 64
PIECE_Y: Final = 20
WAIT_Y: Final = 40
"""Where in a lane of 56 the middle of its pieces lies, and the first row of waits."""
THINNEST: Final = 1.5
"""A shorter piece is drawn so wide, else nobody sees it."""
GAP: Final = 0.7
"""Between neighbours that are wide enough to be told apart."""
WAIT_ROWS: Final = 3
WAIT_HIGH: Final = 5

OTHER: Final = "other"
"""The lane of what belongs to no tier: faults above all."""

STACK: Final = ("ops", "load", "embedding", "research", "hold", "fault")
"""From the foot of a column upwards."""
KINDS: Final[Mapping[str, str]] = {
    "ops": "ops",
    "embedding": "embedding",
    "research": "research",
    "load": "model load",
    "hold": "foreign work",
    "fault": "fault",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One path: what it shows (also its CSS class), and its data."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time below a drawing, `at` percent from the left."""

    at: str
    text: str
    anchor: str
    minor: bool
    x: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The time that one tier had of one card."""

    tier: str
    says: str
    drawn: tuple[Drawn, ...]
    waits: str
    preempted: tuple[str, ...]


def strip(shares: Mapping[str, Mapping[int, float]], steps: int) -> tuple[Drawn, ...]:
    """Return the columns of a whole: shares of each step, stacked."""
    column = WIDE / steps
    feet = [0.0] * steps
    drawn = []
    for kind in STACK:
        parts = []
        for step, share in sorted(shares.get(kind, {}).items()):
            top = min(feet[step] + share, 1.0)
            low, high = round(feet[step] * STRIP_HIGH), round(top * STRIP_HIGH)
            feet[step] = top
            if high > low:
                middle = _n((step + 0.5) * column)
                parts.append(f"M{middle} {STRIP_HIGH - low}V{STRIP_HIGH - high}")
        if parts:
            drawn.append(Drawn(kind, "".join(parts)))
    return tuple(drawn)


def busy(shares: Mapping[str, Mapping[int, float]], steps: int) -> float:
    """Return the share of the whole in which the card worked or loaded, 0 to 1."""
    worked = (shares.get(kind, {}) for kind in STACK if kind != "fault")
    return min(sum(sum(steps_of.values()) for steps_of in worked) / steps, 1.0)


def lanes(
    pieces: Iterable[Spent], waits: Iterable[Waited], start: datetime, end: datetime
) -> list[Lane]:
    """Return the lanes of one card: the three tiers, and one for what belongs to none of them."""
    of_tier: dict[str, list[Spent]] = {str(tier): [] for tier in TIERS}
    for piece in pieces:
        of_tier.setdefault(piece.tier if piece.tier in of_tier else OTHER, []).append(piece)
    waited: dict[str, list[Waited]] = {}
    for wait in waits:
        waited.setdefault(wait.tier, []).append(wait)
    return [lane(tier, mine, waited.get(tier, []), start, end) for tier, mine in of_tier.items()]


def lane(
    tier: str, pieces: Sequence[Spent], waits: Sequence[Waited], start: datetime, end: datetime
) -> Lane:
    """Return one lane."""
    kinds: dict[str, list[tuple[float, float]]] = {}
    for piece in pieces:
        kind = piece.tier if piece.kind == "run" else piece.kind
        span = (_x(piece.began, start, end), _x(piece.ended, start, end))
        kinds.setdefault(kind, []).append(span)
    return Lane(
        tier=tier,
        says=_says(tier, pieces, waits),
        drawn=tuple(Drawn(kind, _boxes(kinds[kind])) for kind in STACK if kind in kinds),
        waits=_brackets([(_x(w.came, start, end), _x(w.went, start, end)) for w in waits]),
        preempted=tuple(
            _percent(_x(piece.ended, start, end))
            for piece in pieces
            if piece.ending == "preempted" and piece.ended <= end
        ),
    )


def ticks(start: datetime, end: datetime, *, most: int = 8) -> list[Tick]:
    """Return round times inside a span."""
    length = (end - start).total_seconds()
    step = next((s for s in ROUND if length / s <= most), ROUND[-1])
    first = -(-int(start.timestamp()) // step) * step
    form = "%H:%M:%S" if step < 60 else "%H:%M" if length <= DAY else "%a %H:%M"
    found = []
    for n, at in enumerate(range(first, int(end.timestamp()) + 1, step)):
        share = (at - start.timestamp()) / length
        anchor = "start" if share < 0.07 else "end" if share > 0.93 else "middle"
        text = f"{datetime.fromtimestamp(at, UTC):{form}}"
        found.append(Tick(_percent(share * WIDE), text, anchor, n % 2 == 1, _n(share * WIDE)))
    return found


ROUND: Final = (
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10800,
    14400,
    21600,
    43200,
    86400,
)
"""Seconds that people count in."""
DAY: Final = 86_400


def _boxes(spans: Sequence[tuple[float, float]]) -> str:
    # Pieces that would lie on one another anyway become one: the size of a page has a bound.
    joined: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        wide = max(right, left + THINNEST)
        if joined and left - joined[-1][1] < GAP and min(wide - left, _last(joined)) < 2 * THINNEST:
            joined[-1] = (joined[-1][0], max(joined[-1][1], wide))
        else:
            joined.append((left, wide))
    return "".join(
        f"M{_n(left)} {PIECE_Y}h{_n(right - left - (GAP if right - left > 4 else 0.0))}"
        for left, right in joined
    )


def _last(joined: Sequence[tuple[float, float]]) -> float:
    return joined[-1][1] - joined[-1][0]


def _brackets(spans: Sequence[tuple[float, float]]) -> str:
    """Return waits on a few rows, the longest first; what finds no room is left out."""
    rows: list[list[tuple[float, float]]] = [[] for _ in range(WAIT_ROWS)]
    for left, right in sorted(spans, key=lambda span: span[0] - span[1]):
        free = (row for row in rows if all(right + 3 < a or b + 3 < left for a, b in row))
        row = next(free, None)
        if row is not None:
            row.append((left, right))
    return "".join(
        f"M{_n(left)} {y}v4h{_n(right - left)}v-4"
        for y, row in ((WAIT_Y + n * WAIT_HIGH, sorted(row)) for n, row in enumerate(rows))
        for left, right in row
    )


def _says(tier: str, pieces: Sequence[Spent], waits: Sequence[Waited]) -> str:
    runs = sum(piece.kind in ("run", "hold") for piece in pieces)
    loads = sum(piece.kind == "load" for piece in pieces)
    stopped = sum(piece.ending == "preempted" for piece in pieces)
    longest = max((wait.went - wait.came for wait in waits), default=timedelta())
    told = [f"{tier}: {count(runs, 'piece')} of work", count(loads, "load")]
    told += [f"{stopped} preempted"] if stopped else []
    told += [f"longest wait {longest.total_seconds():.0f} s"] if waits else []
    return ", ".join(told)


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return min(max((at - start) / (end - start), 0.0), 1.0) * WIDE


def _percent(x: float) -> str:
    return f"{100 * x / WIDE:.2f}%"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
