"""What a look over the runs at work finds, and what follows from it. Pure: no clock, no rows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final
from uuid import UUID

TIMES_USUAL: Final = 10
"""So many times the usual number of tool calls is no longer work."""
KNOWN_FROM: Final = 5
"""So many ended runs of a card, and it is known what is usual."""
LOOKS_BACK: Final = 50
"""How many ended runs of a card say what is usual."""
HORIZON_SECONDS: Final = 60.0
"""How far ahead the depth of the queue is predicted."""


@dataclass(frozen=True, slots=True)
class AtWork:
    """A run that is not over, as detectors see it."""

    run: UUID
    card: str
    ticket_ref: str
    calls: int
    """Proposals, questions to models, and looks."""
    born_at: datetime


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Runs that wait for each other in a circle, and the one that is ended to break it."""

    circle: tuple[UUID, ...]
    ended: UUID


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A run that does far more than its card's runs do."""

    run: UUID
    calls: int
    usual: int


@dataclass(frozen=True, slots=True)
class Closing:
    """How far admission is closed: up to which priority intents are let in, and when to return."""

    level: str
    lowest_priority: int
    retry_after_s: int


CLOSINGS: Final = (
    (1.0, Closing("shut", 0, 120)),
    (0.8, Closing("narrow", 1, 60)),
    (0.5, Closing("slow", 3, 20)),
)
"""Predicted depth as a share of the bound -> what follows; below all of them it is open."""
OPEN: Final = Closing("open", 4, 0)


def deadlocks(
    blocked_by: Iterable[tuple[UUID, UUID]], born_at: Mapping[UUID, datetime]
) -> list[Deadlock]:
    """Return the circles of runs that wait for each other, with whom to end, until none is left.

    The youngest of a circle is ended: it has the least work to lose. Runs that are not at work
    any more block nobody for long and are in no circle.
    """
    waits: dict[UUID, set[UUID]] = {}
    for child, parent in blocked_by:
        if child in born_at and parent in born_at:
            waits.setdefault(child, set()).add(parent)
    found: list[Deadlock] = []
    while (circle := _circle(waits)) is not None:
        ended = max(circle, key=lambda run: (born_at[run], run))
        found.append(Deadlock(circle, ended))
        waits.pop(ended)
    return found


def _circle(waits: Mapping[UUID, set[UUID]]) -> tuple[UUID, ...] | None:
    """Return one circle of the graph, None where it has none; no recursion, however deep it is."""
    done: set[UUID] = set()
    for start in sorted(waits):
        path: list[UUID] = []
        on_path: dict[UUID, int] = {}
        ways = [iter([start])]
        while ways:
            run = next(ways[-1], None)
            if run is None:
                ways.pop()
                if path:
                    left = path.pop()
                    del on_path[left]
                    done.add(left)
            elif run in on_path:
                return tuple(path[on_path[run] :])
            elif run not in done:
                on_path[run] = len(path)
                path.append(run)
                ways.append(iter(sorted(waits.get(run, ()))))
    return None


def anomalies(
    at_work: Iterable[AtWork], earlier: Mapping[str, Sequence[int]]
) -> list[tuple[AtWork, Anomaly]]:
    """Return the runs that do ten times as much as runs of a known card usually do."""
    found = []
    for one in at_work:
        usual = usual_calls(earlier.get(one.card, ()))
        if usual is not None and one.calls >= TIMES_USUAL * usual:
            found.append((one, Anomaly(one.run, one.calls, usual)))
    return found


def usual_calls(earlier: Sequence[int]) -> int | None:
    """Return the median of a card's ended runs, at least 1; None while the card is not known."""
    if len(earlier) < KNOWN_FROM:
        return None
    return max(1, math.ceil(median(earlier)))


def predicted(depth: int, *, arrived: int, left: int, seconds: float) -> int:
    """Return how deep the queue will be at the horizon, if it goes on as in the last `seconds`.

    A queue that shrinks is not trusted to go on shrinking.
    """
    growth = max(0.0, (arrived - left) / seconds) if seconds > 0 else 0.0
    return depth + math.ceil(growth * HORIZON_SECONDS)


def closing(depth_predicted: int, *, bound: int) -> Closing:
    """Return how far admission closes for a predicted depth."""
    for share, found in CLOSINGS:
        if depth_predicted >= share * bound:
            return found
    return OPEN
