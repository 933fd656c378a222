"""What figures are made of: incidents, changes, repairs and promises, as they happened. Pure.

What there are thousands of is a named tuple, which is made in a third of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

Actor: TypeAlias = Literal["agent", "person", "itself"]
ACTORS: Final[tuple[Actor, ...]] = ("agent", "person", "itself")


class Passage(NamedTuple):
    """A move of a ticket: when, by which stimulus, and what kind of author gave it."""

    at: datetime
    stimulus: str
    author_kind: str


class Repair(NamedTuple):
    """A change that was really made for a ticket; `verdict` is empty until it is judged."""

    ticket: str
    entry: str
    by: Actor
    began: datetime
    settled: datetime
    done: bool
    verdict: str = ""
    healed_alone: bool = False


class Episode(NamedTuple):
    """One time that an incident was open; `by` is who mended it."""

    began: datetime
    resolved_at: datetime | None
    well_from: datetime | None
    by: Actor


class Incident(NamedTuple):
    """An incident from the first bad sample on; `taken_by` is who first put a hand to it."""

    ref: str
    cause: str
    opened_at: datetime
    first_bad_at: datetime | None
    taken_at: datetime | None
    taken_by: Actor | None
    cis: frozenset[str]
    episodes: Sequence[Episode]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is over, and until when what follows it may be its fault."""

    ref: str
    by: Actor
    cis: frozenset[str]
    began: datetime
    ended: datetime
    watched_until: datetime
    successful: bool
    solves: frozenset[str]
    """The incidents that it was made for."""
    followed_by: frozenset[str]
    """The incidents of which somebody has said that they came of it."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Clocks of a kind that have stopped, or are over: kept or not."""

    ticket_class: str
    kind: str
    kept: bool
    number: int = 1
