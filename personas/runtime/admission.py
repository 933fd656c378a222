"""Who gets a place, in which order: the gate's policy of admission without a database. Pure.

`gate.admit` decides; this says the same in a form that can be tested for what it promises: no more
at work than there are places, the one whose ticket is due first among those of a priority, and
nobody overtaken by who came more than `LONGEST_LEAD` later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

LOWEST_PRIORITY: Final = 4
STEP_SECONDS: Final = 60.0
"""A step of priority is worth so much waiting."""
LONGEST_LEAD: Final = LOWEST_PRIORITY * STEP_SECONDS
"""Who comes so much later never goes first, however urgent."""
LONGEST_RETRY_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Waiting:
    """An intent without a place."""

    id: str
    card: str
    priority: int
    """0 critical .. 4 backlog."""
    at: float
    """When it was asked for, in seconds."""
    due: float | None = None
    """When its ticket is due, in seconds; None where nothing is promised to it."""


@dataclass(frozen=True, slots=True)
class Places:
    """What is free: of the environment, and of each card (absent: as many as the environment)."""

    environment: int
    cards: Mapping[str, int]


def turn(one: Waiting) -> tuple[float, str]:
    """Return what says which priority is served next; between two who wait it never changes."""
    return one.at + one.priority * STEP_SECONDS, one.id


def admitted(waiting: Sequence[Waiting], free: Places) -> list[Waiting]:
    """Return who gets a place now, in order; whose card has none is passed over."""
    left, cards = free.environment, dict(free.cards)
    waits, chosen = list(waiting), []
    while left > 0:
        could = [one for one in waits if cards.get(one.card, left) > 0]
        if not could:
            break
        one = following(could)
        waits.remove(one)
        chosen.append(one)
        left -= 1
        if one.card in cards:
            cards[one.card] -= 1
    return chosen


def following(waits: Sequence[Waiting]) -> Waiting:
    """Return who is next of those who could begin; there is one at least.

    The longest turn says which priority. Of that one goes who is due first, if he did not come so
    late that anybody would be overtaken by him who must not be.
    """
    head = min(waits, key=turn)
    until = min(one.at for one in waits) + LONGEST_LEAD
    alike = [one for one in waits if one.priority == head.priority and one.at <= until]
    return min(alike, key=lambda one: (inf if one.due is None else one.due, turn(one)))


def position(waiting: Sequence[Waiting], one: Waiting) -> int:
    """Return the place in the queue, the first being 1."""
    return sum(turn(other) <= turn(one) for other in waiting)


def estimated_start(place: int, usual_seconds: float, places: int) -> int:
    """Return in how many seconds a place in the queue should have become one at work."""
    return ceil(place * usual_seconds / max(places, 1)) if place else 0


def retry_after(usual_seconds: float, places: int) -> int:
    """Return after how many seconds who found the queue full should come again."""
    return min(max(estimated_start(1, usual_seconds, places), 1), LONGEST_RETRY_SECONDS)
