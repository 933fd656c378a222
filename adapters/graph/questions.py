"""The answers that every adapter gives, made of walks. Pure: the walk itself is handed in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final, Literal, Protocol, TypeAlias

from adapters.graph.errors import TooManyPlacesError
from adapters.graph.port import (
    DEEPEST,
    MOST,
    Cause,
    Causes,
    Changes,
    Edge,
    Layer,
    Path,
    Place,
    Reach,
    Trust,
)

Direction: TypeAlias = Literal["up", "down"]
"""`up` goes to what stands on a place, `down` to what a place stands on."""

MOST_ASKED: Final = 50
MOST_CAUSES: Final = 20


@dataclass(frozen=True, slots=True)
class Walk:
    """Places with their steps, the start at 0; the live edges gone along; whether none was cut."""

    steps: Mapping[str, int]
    edges: tuple[Edge, ...]
    complete: bool


class Store(Protocol):
    """What an adapter brings: walks, the layers of places, and all edges of places."""

    def now(self) -> datetime:
        """Return the time by the store's clock."""
        ...

    def walk(self, ref: str, direction: Direction, depth: int) -> Walk:
        """Go level by level until `depth`, or until a level has passed MOST places."""
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
        walk = self._store.walk(dependent, "down", DEEPEST)
        edges = _way_back(walk, support)
        rests_on = edges or walk.edges
        return Path(
            edges, self._trust([dependent], rests_on, complete=bool(edges) or walk.complete)
        )

    def common_cause(self, refs: Sequence[str]) -> Causes:
        """Return what at least two of these CIs share, or what one alone stands on."""
        asked = sorted(set(refs))
        if len(asked) > MOST_ASKED:
            raise TooManyPlacesError(f"{len(asked)} CIs are asked about, {MOST_ASKED} at most.")
        walks = {ref: self._store.walk(ref, "down", DEEPEST) for ref in asked}
        shared = _shared(walks)[:MOST_CAUSES]
        layers = self._store.layers([ref for ref, _, _ in shared])
        return Causes(
            tuple(Cause(ref, explains, steps, layers.get(ref)) for ref, explains, steps in shared),
            self._trust(
                asked,
                chain.from_iterable(walk.edges for walk in walks.values()),
                complete=all(walk.complete for walk in walks.values()),
            ),
        )

    def changed_near(self, ref: str, *, since: datetime, steps: int = 2) -> Changes:
        """Return which edges came or went within some steps of a CI, in either direction."""
        walks = [self._store.walk(ref, "up", steps), self._store.walk(ref, "down", steps)]
        # A walk of bounded depth is whole for this question: only a cut by size leaves out.
        complete = all(len(walk.steps) <= MOST for walk in walks)
        near = sorted({place for walk in walks for place in walk.steps})
        edges = sorted(
            self._store.changed(near, since),
            key=lambda edge: (-edge.changed_at.timestamp(), *_key(edge)),
        )
        walked = chain.from_iterable(walk.edges for walk in walks)
        return Changes(tuple(edges[:MOST]), self._trust([ref], walked, complete=complete))

    def _reach(self, ref: str, direction: Direction, depth: int) -> Reach:
        walk = self._store.walk(ref, direction, min(depth, DEEPEST))
        found = sorted((steps, place) for place, steps in walk.steps.items() if steps)
        shown = found[:MOST]
        layers = self._store.layers([place for _, place in shown])
        return Reach(
            tuple(Place(place, steps, layers.get(place)) for steps, place in shown),
            self._trust([ref], walk.edges, complete=walk.complete and len(found) <= MOST),
        )

    def _trust(self, asked: Sequence[str], edges: Iterable[Edge], *, complete: bool) -> Trust:
        known = not self._store.unknown(asked)
        return trust(tuple(edges), now=self._store.now(), complete=complete, known=known)


def trust(edges: Sequence[Edge], *, now: datetime, complete: bool, known: bool) -> Trust:
    """Return how far an answer that rests on these edges holds."""
    return Trust(
        confidence=min((edge.confidence for edge in edges), default=100) if known else 0,
        seen_at=min((edge.seen_at for edge in edges), default=None),
        stale=any(edge.fresh_until is not None and edge.fresh_until < now for edge in edges),
        complete=complete,
        known=known,
    )


def _way_back(walk: Walk, support: str) -> tuple[Edge, ...]:
    if not walk.steps.get(support):
        return ()
    into: dict[str, list[Edge]] = {}
    for edge in walk.edges:
        into.setdefault(edge.support, []).append(edge)
    way: list[Edge] = []
    place = support
    while walk.steps[place]:
        nearer = walk.steps[place] - 1
        fits = [edge for edge in into[place] if walk.steps.get(edge.dependent) == nearer]
        way.append(min(fits, key=_key))
        place = way[-1].dependent
    return tuple(reversed(way))


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
