"""The numbered cases of the graph contract, over whatever relations are there: they only read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import ModuleType
from typing import Final

from adapters import rows
from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same
from adapters.graph.errors import TooManyPlacesError
from adapters.graph.port import Reader

NONE: Final = "No relation is declared: there is nothing to walk along."
NEEDS: Final = "relations"
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Bench:
    """One reader, and an edge that the CMDB has, from which answers are looked at."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @cached_property
    def edge(self) -> tuple[str, str] | None:
        """A place and what it stands on directly; None where nothing stands on anything."""
        found = rows.select(
            "SELECT dependent, support FROM reading.relation WHERE NOT gone"
            " AND dependent <> support ORDER BY dependent, support LIMIT 1",
            [],
        )
        return (found[0]["dependent"], found[0]["support"]) if found else None

    @property
    def ends(self) -> tuple[str, str]:
        """The ends of that edge, for cases that need one."""
        return self.edge or ("", "")

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter has it not."""
        return {**({} if self.edge else {NEEDS: NONE}), **cannot(self.adapter)}

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Nothing is written."""
        yield

    def close(self) -> tuple[str, ...]:
        """Nothing is left."""
        return ()


def _unknown(bench: Bench) -> Seen:
    found = bench.reader.blast_radius(f"{bench.marker}, absent")
    return same((found.places, found.trust.sound), ((), False))


def _up(bench: Bench) -> Seen:
    place, support = bench.ends
    steps = {one.ref: one.steps for one in bench.reader.blast_radius(support).places}
    return same(f"{steps.get(place)} step(s)", "1 step(s)")


def _down(bench: Bench) -> Seen:
    place, support = bench.ends
    steps = {one.ref: one.steps for one in bench.reader.stands_on(place).places}
    return same(f"{steps.get(support)} step(s)", "1 step(s)")


def _not_itself(bench: Bench) -> Seen:
    place, support = bench.ends
    up = {one.ref for one in bench.reader.blast_radius(support).places}
    down = {one.ref for one in bench.reader.stands_on(place).places}
    return same((support in up, place in down), (False, False))


def _bounded(bench: Bench) -> Seen:
    found = bench.reader.blast_radius(bench.ends[1], depth=1)
    return same({one.steps for one in found.places}, {1})


def _path(bench: Bench) -> Seen:
    place, support = bench.ends
    edges = bench.reader.path(place, support).edges
    return same([(one.dependent, one.support) for one in edges], [(place, support)])


def _paths_agree(bench: Bench) -> Seen:
    place, _ = bench.ends
    below = bench.reader.stands_on(place).places[:20]
    off = [one.ref for one in below if len(bench.reader.path(place, one.ref).edges) != one.steps]
    return Seen(not off, f"{len(below)} places, {len(off)} differ: {', '.join(off)}")


def _cause(bench: Bench) -> Seen:
    place, support = bench.ends
    causes = {one.ref for one in bench.reader.common_cause([place, support]).causes}
    return Seen(support in causes, ", ".join(sorted(causes)[:10]))


def _foundation(bench: Bench) -> Seen:
    place, support = bench.ends
    on = bench.reader.foundation([place]).on.get(place, frozenset())
    return Seen(support in on, ", ".join(sorted(on)[:10]))


def _changes(bench: Bench) -> Seen:
    place, support = bench.ends
    ever = bench.reader.changed_near(place, since=LONG_AGO, steps=1).edges
    later = bench.reader.changed_near(place, since=datetime.now(UTC) + timedelta(days=1)).edges
    found = (place, support) in {(one.dependent, one.support) for one in ever}
    return same((found, later), (True, ()))


def _too_many(bench: Bench) -> Seen:
    return refusal(
        lambda: bench.reader.common_cause([f"absent-{n}" for n in range(51)]), TooManyPlacesError
    )


def _too_many_below(bench: Bench) -> Seen:
    return refusal(
        lambda: bench.reader.foundation([f"absent-{n}" for n in range(501)]), TooManyPlacesError
    )


KIT: Final = Kit(
    "graph",
    (
        Case("Of an unknown place nothing is sound", "no places, not sound", _unknown),
        Case("What stands on a place is in its blast radius", "1 step(s)", _up, NEEDS),
        Case("What a place stands on is found", "1 step(s)", _down, NEEDS),
        Case("A place is not in its own answer", "in neither", _not_itself, NEEDS),
        Case("A depth is kept", "only 1 step", _bounded, NEEDS),
        Case("The shortest way names its edges", "the one edge", _path, NEEDS),
        Case("Ways and steps agree", "none differs", _paths_agree, NEEDS),
        Case("What two share explains both", "the place below is among them", _cause, NEEDS),
        Case("A foundation has the direct edges", "the place below is among them",
             _foundation, NEEDS),
        Case("Changes are those since then", "the edge; none of tomorrow", _changes, NEEDS),
        Case("A common cause of 51 is refused", "graph.too_many_places", _too_many),
        Case("A foundation of 501 is refused", "graph.too_many_places", _too_many_below),
    ),
    Bench,
)  # fmt: skip
