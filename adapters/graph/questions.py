"""The answers that every adapter gives, made of walks. Pure: the walk itself is handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

from adapters.graph.errors import TooManyPlacesError
from adapters.graph.port import (
    DEEPEST,
    MOST,
    Cause,
    Causes,
    Changes,
    Edge,
    Foundation,
    Layer,
    Path,
    Place,
    Reach,
    Trust,
)

Direction: TypeAlias = Literal["up", "down"]
"""`up` goes to what stands on a place, `down` to what a place stands on."""

Pair: TypeAlias = tuple[str, str]
"""Who stands directly on what."""

MOST_ASKED: Final = 50
MOST_FOUNDED: Final = 500
MOST_CAUSES: Final = 20


@dataclass(frozen=True, slots=True)
class Rests:
    """The least of each over the edges that an answer rests on, None where there is none."""

    confidence: int | None = None
    seen_at: datetime | None = None
    fresh_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """Places with their steps, each start at 0; what the live edges gone along say; cut or not."""

    steps: Mapping[str, int]
    rests: Rests
    complete: bool
    layers: Mapping[str, Layer | None] | None = None
    """Of these places, where the store has come by them on its way."""


class Store(Protocol):
    """What an adapter brings: walks, the layers of places, and few edges of places."""

    def now(self) -> datetime:
        """Return the time by the store's clock."""
        ...

    def walk(self, refs: Sequence[str], direction: Direction, depth: int) -> Walk:
        """Go from all of these until `depth`, or until a level has passed MOST places."""
        ...

    def between(self, dependents: Sequence[str], supports: Sequence[str]) -> Sequence[Pair]:
        """Return who stands directly on what: these on anything, and anything on those."""
        ...

    def onto(self, support: str, dependents: Sequence[str]) -> tuple[Edge, ...]:
        """Return the live edges by which these places stand on that one."""
        ...

    def unknown(self, refs: Sequence[str]) -> frozenset[str]:
        """Return those that no live edge names."""
        ...

    def layers(self, refs: Sequence[str]) -> Mapping[str, Layer | None]:
        """Return the layers of those that are CIs."""
        ...

    def changed(self, refs: Sequence[str], since: datetime) -> tuple[Edge, ...]:
        """Return the edges at these places, gone ones too, that changed since."""
        ...


class Questions:
    """The port's Reader over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def blast_radius(self, ref: str, *, depth: int = DEEPEST) -> Reach:
        """Return what stands on a CI, however far away."""
        return self._reach(ref, "up", depth)

    def stands_on(self, ref: str, *, depth: int = DEEPEST) -> Reach:
        """Return all that a CI stands on."""
        return self._reach(ref, "down", depth)

    def path(self, dependent: str, support: str) -> Path:
        """Return the shortest way; of equal ways the one whose refs come first."""
        walk = self._store.walk([dependent], "down", DEEPEST)
        edges = self._way_back(walk, support)
        if edges:
            return Path(edges, self._trust([dependent], [_rests(edges)], complete=True))
        return Path((), self._trust([dependent], [walk.rests], complete=walk.complete))

    def common_cause(self, refs: Sequence[str]) -> Causes:
        """Return what at least two of these CIs share, or what one alone stands on."""
        asked = sorted(set(refs))
        if len(asked) > MOST_ASKED:
            raise TooManyPlacesError(f"{len(asked)} CIs are asked about, {MOST_ASKED} at most.")
        walks = {ref: self._store.walk([ref], "down", DEEPEST) for ref in asked}
        shared = _shared(walks)[:MOST_CAUSES]
        layers = self._store.layers([ref for ref, _, _ in shared])
        return Causes(
            tuple(Cause(ref, explains, steps, layers.get(ref)) for ref, explains, steps in shared),
            self._trust(
                asked,
                [walk.rests for walk in walks.values()],
                complete=all(walk.complete for walk in walks.values()),
            ),
        )

    def changed_near(self, ref: str, *, since: datetime, steps: int = 2) -> Changes:
        """Return which edges came or went within some steps of a CI, in either direction."""
        walks = [self._store.walk([ref], "up", steps), self._store.walk([ref], "down", steps)]
        # A walk of bounded depth is whole for this question: only a cut by size leaves out.
        complete = all(len(walk.steps) <= MOST for walk in walks)
        near = sorted({place for walk in walks for place in walk.steps})
        edges = sorted(
            self._store.changed(near, since),
            key=lambda edge: (-edge.changed_at.timestamp(), *_key(edge)),
        )
        rests = [walk.rests for walk in walks]
        return Changes(tuple(edges[:MOST]), self._trust([ref], rests, complete=complete))

    def foundation(self, refs: Sequence[str]) -> Foundation:
        """Return what these stand on, and what else stands directly on that."""
        asked = sorted(set(refs))
        if len(asked) > MOST_FOUNDED:
            raise TooManyPlacesError(f"{len(asked)} CIs are asked about, {MOST_FOUNDED} at most.")
        walk = self._store.walk(asked, "down", DEEPEST)
        on: dict[str, set[str]] = {}
        supports = [place for place, steps in walk.steps.items() if steps]
        for dependent, support in self._store.between(list(walk.steps), supports):
            on.setdefault(dependent, set()).add(support)
        return Foundation(
            {place: frozenset(others) for place, others in on.items()},
            self._trust(asked, [walk.rests], complete=walk.complete),
        )

    def _reach(self, ref: str, direction: Direction, depth: int) -> Reach:
        walk = self._store.walk([ref], direction, min(depth, DEEPEST))
        levels = _levels(walk)
        del levels[0]
        found = [(place, steps) for steps in sorted(levels) for place in sorted(levels[steps])]
        shown = found[:MOST]
        layers = walk.layers
        if layers is None:
            layers = self._store.layers([place for place, _ in shown])
        return Reach(
            tuple(Place(place, steps, layers.get(place)) for place, steps in shown),
            # Who came anywhere from it went along a live edge of it.
            self._trust(
                [] if found else [ref],
                [walk.rests],
                complete=walk.complete and len(found) <= MOST,
            ),
        )

    def _way_back(self, walk: Walk, support: str) -> tuple[Edge, ...]:
        """Return the edges from the start down to a place, found from below, a level each."""
        levels = _levels(walk)
        way: list[Edge] = []
        for nearer in reversed(range(walk.steps.get(support, 0))):
            way.append(min(self._store.onto(support, levels[nearer]), key=_key))
            support = way[-1].dependent
        return tuple(reversed(way))

    def _trust(self, asked: Sequence[str], rests: Sequence[Rests], *, complete: bool) -> Trust:
        known = not (asked and self._store.unknown(asked))
        overdue = min((one.fresh_until for one in rests if one.fresh_until), default=None)
        stale = overdue is not None and overdue < self._store.now()
        return trust(rests, stale=stale, complete=complete, known=known)


def trust(rests: Sequence[Rests], *, stale: bool, complete: bool, known: bool) -> Trust:
    """Return how far an answer that rests on these edges holds."""
    least = [one.confidence for one in rests if one.confidence is not None]
    return Trust(
        confidence=min(least, default=100) if known else 0,
        seen_at=min((one.seen_at for one in rests if one.seen_at is not None), default=None),
        stale=stale,
        complete=complete,
        known=known,
    )


def _levels(walk: Walk) -> dict[int, list[str]]:
    """Return the places by their steps; of some thousands that is cheaper to sort than pairs."""
    levels: dict[int, list[str]] = {}
    for place, steps in walk.steps.items():
        levels.setdefault(steps, []).append(place)
    return levels


def _rests(edges: Sequence[Edge]) -> Rests:
    return Rests(
        min(edge.confidence for edge in edges),
        min(edge.seen_at for edge in edges),
        min((edge.fresh_until for edge in edges if edge.fresh_until is not None), default=None),
    )


def _shared(walks: Mapping[str, Walk]) -> list[tuple[str, tuple[str, ...], int]]:
    """Return place, whom it explains and the sum of their steps, best first."""
    found: dict[str, list[tuple[str, int]]] = {}
    for ref, walk in walks.items():
        for place, steps in walk.steps.items():
            found.setdefault(place, []).append((ref, steps))
    least = min(2, len(walks))
    shared = [
        (place, tuple(ref for ref, _ in by), sum(steps for _, steps in by))
        for place, by in found.items()
        if len(by) >= least
    ]
    return sorted(shared, key=lambda one: (-len(one[1]), one[2], one[0]))


def _key(edge: Edge) -> tuple[str, str, str]:
    return (edge.dependent, edge.support, edge.kind)
