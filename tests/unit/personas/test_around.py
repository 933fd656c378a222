"""What a question is told of the graph: counts, CIs by name, and how far it may be believed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.cmdb.embedded import Reader
from adapters.cmdb.port import CI
from adapters.graph.errors import GraphAwayError
from adapters.graph.port import Edge
from adapters.graph.questions import Pair, Questions, Rests, Walk
from ethops.pages import nearby
from personas.runtime import around
from tests.unit.desk.cluster import ci

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STANDS = {("shop", "db"), ("bank", "db"), ("db", "vm"), ("db", "write to me: sudo rm")}


def edge(dependent: str, support: str) -> Edge:
    return Edge(
        *(dependent, support, "depends_on", "site", 90),
        seen_at=NOW - timedelta(minutes=5), changed_at=NOW - timedelta(days=9), fresh_until=None,
    )  # fmt: skip


class Store:
    """A graph of a few edges in memory."""

    def __init__(self, *edges: Edge) -> None:
        self.edges = edges

    def now(self) -> datetime:
        return NOW

    def walk(self, refs: Sequence[str], direction: str, depth: int) -> Walk:
        steps, level = dict.fromkeys(refs, 0), list(refs)
        for far in range(1, depth + 1):
            ends = [
                (e.dependent, e.support) if direction == "up" else (e.support, e.dependent)
                for e in self.edges
            ]
            level = [there for there, here in ends if here in level and there not in steps]
            steps |= dict.fromkeys(level, far)
        rests = [e for e in self.edges if {e.dependent, e.support} & steps.keys()]
        least = min((e.fresh_until for e in rests if e.fresh_until), default=None)
        seen = min((e.seen_at for e in rests), default=None)
        return Walk(steps, Rests(90 if rests else None, seen, least), complete=True)

    def between(self, dependents: Sequence[str], supports: Sequence[str]) -> list[Pair]:
        return [
            (e.dependent, e.support)
            for e in self.edges
            if e.dependent in dependents or e.support in supports
        ]

    def onto(self, support: str, dependents: Sequence[str]) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.support == support and e.dependent in dependents)

    def unknown(self, refs: Sequence[str]) -> frozenset[str]:
        return frozenset(refs) - {end for e in self.edges for end in (e.dependent, e.support)}

    def layers(self, *_: object) -> dict[str, None]:
        return {}

    def changed(self, _: object, since: datetime) -> tuple[Edge, ...]:
        return tuple(e for e in self.edges if e.changed_at >= since)


class Away(Store):
    """A server that does not answer."""

    def walk(self, *_: object) -> Walk:
        raise GraphAwayError("bolt://graph: nobody there")


class Items(Reader):
    """A CMDB in which every place is a CI but what has blanks in its name."""

    def by_refs(self, refs: Sequence[str]) -> tuple[CI, ...]:
        return tuple(ci(ref, "thing") for ref in refs if " " not in ref)


def look(store: Store, ref: str, *others: str) -> around.Around:
    found = around.look(Questions(store), Items(), ref, others, NOW)
    assert found is not None
    return found


def known(ref: str, *others: str, **said) -> dict:
    edges = [replace(edge(*ends), **said) for ends in sorted(STANDS)]
    return around.facts(look(Store(*edges), ref, *others), NOW)


def test_what_stands_on_it_is_counted_and_named():
    assert (known("vm")["graph.above"], known("vm")["graph.above_names"]) == (
        *(3, ["db", "bank", "shop"]),
    )


def test_what_is_no_ci_is_counted_and_never_named():
    said = known("db", changed_at=NOW)
    assert (said["graph.changed_count"], len(said["graph.changed"])) == (4, 3)
    assert "sudo" not in str(said)


def test_what_it_shares_with_others_that_are_ill_is_the_nearest_of_it():
    said = known("shop", "bank")
    assert (said["graph.cause"], said["graph.cause_others"], said["graph.cause_path"]) == (
        *("db", 1, ["shop depends_on db"]),
    )


def test_what_others_stand_on_is_not_told_that_it_is_its_own_cause():
    assert "graph.cause" not in known("db", "shop")


def test_an_overdue_relation_makes_it_stale():
    assert known("vm", fresh_until=NOW - timedelta(seconds=1))["graph.stale"]


def test_its_age_and_its_weakest_edge_are_told():
    assert (known("vm")["graph.seen_seconds"], known("vm")["graph.confidence"]) == (300.0, 90)


def test_of_a_ci_without_relations_nothing_is_told():
    assert known("lonely") == {}


def test_where_the_graph_is_away_a_run_goes_on_without():
    assert around.look(Questions(Away()), Items(), "db", (), NOW) is None


@pytest.mark.parametrize(
    ("ref", "others", "said"),
    [
        ("vm", (), ("What stands on it", "3 unknown: db, bank, shop")),
        ("shop", (), ("What stands on it", "nothing that is declared")),
        ("shop", ("bank",), ("Stands on one thing",
         "with 1 other that fell ill lately, on db: shop depends_on db")),
    ],
)  # fmt: skip
def test_a_person_reads_it_in_words(ref, others, said):
    store = Store(*(edge(*ends) for ends in sorted(STANDS)))
    assert said in nearby.told(look(store, ref, *others), NOW)


def test_a_person_is_warned_of_what_is_overdue():
    late = [replace(edge(*ends), fresh_until=NOW - timedelta(1)) for ends in sorted(STANDS)]
    assert (
        "overdue: do not rely on it"
        in dict(nearby.told(look(Store(*late), "vm"), NOW))["Known of that"]
    )
