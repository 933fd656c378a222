"""What ethops asks of a graph: what fails with a CI, what it stands on, and what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

Layer: TypeAlias = Literal[
    "physical", "network", "virtualization", "storage", "service", "application", "external"
]

DEEPEST: Final = 32
"""As many steps as any walk takes."""
MOST: Final = 2_000
"""As many places as any answer names; an answer that was cut says so."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One place stands on another; `fresh_until` None holds until its source says otherwise."""

    dependent: str
    support: str
    kind: str
    source: str
    confidence: int
    seen_at: datetime
    changed_at: datetime
    fresh_until: datetime | None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """How far an answer holds: by the weakest and the oldest edge that it rests on.

    An answer that is not sound must lower authority: what it leaves out is unknown. Nothing is
    `known` of a place that no live relation names, as before the first inventory is applied.
    `confidence` is in percent, 100 where an answer rests on no edge, 0 where nothing is known;
    `seen_at` is then None.
    """

    confidence: int
    seen_at: datetime | None
    stale: bool
    complete: bool
    known: bool

    @property
    def sound(self) -> bool:
        """Say whether one may act on the answer as it stands."""
        return self.known and self.complete and not self.stale


@dataclass(frozen=True, slots=True)
class Place:
    """One place in an answer, and how many steps away it is; no layer where none is known."""

    ref: str
    steps: int
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Places in order of steps and ref; the place that was asked about is not among them."""

    places: tuple[Place, ...]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Path:
    """The shortest way down from a CI to what it stands on, empty where there is none."""

    edges: tuple[Edge, ...]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Cause:
    """A place that some of the asked CIs stand on or are; `steps` is the sum over those."""

    ref: str
    explains: tuple[str, ...]
    steps: int
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Causes:
    """Candidates, best first: explains most, then nearest, then by ref."""

    causes: tuple[Cause, ...]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Changes:
    """Edges near a CI that came or went since a moment, newest first."""

    edges: tuple[Edge, ...]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Foundation:
    """Below some places: what stands directly on what, and how far that holds."""

    on: Mapping[str, frozenset[str]]
    """Place -> what it stands on directly; of all that the places asked about stand on, and of
    what else stands directly on any of that."""
    trust: Trust


@dataclass(frozen=True, slots=True)
class Copied:
    """How a copy of the relations stands, where an adapter answers from one."""

    at: datetime
    age_s: int
    places: int
    edges: int


class Copier(Protocol):
    """Keeps a copy up to date, where there is one; run by the clock."""

    def keep(self) -> int:
        """Write what differs in the copy, at once; return how many places differed.

        Raises:
            GraphAwayError: the server does not answer, or refuses; all is then as before.
            GraphBusyError: another is at it; nothing was done.
        """
        ...

    def state(self) -> Copied | None:
        """Return how the copy stands, None where there is none.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        ...


class Reader(Protocol):
    """Reads; safe in the hands of an agent. Of an unknown ref the answer is empty and unsound."""

    def blast_radius(self, ref: str, *, depth: int = DEEPEST) -> Reach:
        """Return what stands on a CI, however far away: what may fail with it."""
        ...

    def stands_on(self, ref: str, *, depth: int = DEEPEST) -> Reach:
        """Return all that a CI stands on."""
        ...

    def path(self, dependent: str, support: str) -> Path:
        """Return the shortest way from a CI to one that it stands on."""
        ...

    def common_cause(self, refs: Sequence[str]) -> Causes:
        """Return what at least two of these CIs share, or what one alone stands on.

        Raises:
            TooManyPlacesError: more than 50 are asked about.
        """
        ...

    def changed_near(self, ref: str, *, since: datetime, steps: int = 2) -> Changes:
        """Return which edges came or went within some steps of a CI, in either direction."""
        ...

    def foundation(self, refs: Sequence[str]) -> Foundation:
        """Return all that these places stand on as a picture in which to look for a root.

        Raises:
            TooManyPlacesError: more than 500 are asked about.
        """
        ...
