"""The graph contract, held by every adapter, against a plain walk over what was declared."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.cmdb import embedded as cmdb
from adapters.cmdb.port import CI, Inventory
from adapters.graph.errors import TooManyPlacesError
from adapters.graph.port import MOST, Reader

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SITE = {
    "rack": [],
    "host": ["rack"],
    "db": ["host"],
    "shop": ["db", "dns"],
    "bank": ["db"],
    "dns": [],
    "a": ["b"],
    "b": ["c"],
    "c": ["a"],
}


def declare(graph: Mapping[str, list[str]]) -> None:
    cis = tuple(
        CI(
            ref=ref,
            name=f"the {ref}",
            ci_class="database" if ref == "db" else "thing",
            attributes={"depends_on": list(on)},
            impact=2,
            urgency=2,
            user_facing=False,
            lifeline=False,
            host="",
            source="site",
            managed_by="declaration",
        )
        for ref, on in graph.items()
    )
    cmdb.Writer().apply(Inventory(cis=cis), source="site")


@pytest.fixture(params=["adapters.graph.embedded"])
def graph(request: pytest.FixtureRequest, become: Callable[[str], None]) -> Iterator[Reader]:
    become("owner")
    declare(SITE)
    reader: Reader = import_module(request.param).Reader()
    yield reader


def steps(graph: Reader, ref: str) -> dict[str, int]:
    return {place.ref: place.steps for place in graph.blast_radius(ref).places}


def test_a_blast_radius_holds_all_that_stands_on_a_ci(graph: Reader) -> None:
    assert steps(graph, "rack") == {"host": 1, "db": 2, "bank": 3, "shop": 3}


def test_what_a_ci_stands_on_is_the_other_direction(graph: Reader) -> None:
    found = {place.ref: place.steps for place in graph.stands_on("shop").places}
    assert found == {"db": 1, "dns": 1, "host": 2, "rack": 3}


def test_a_circle_ends(graph: Reader) -> None:
    assert steps(graph, "a") == {"c": 1, "b": 2}


@pytest.mark.parametrize("ref", ["absent", "absent\x00", ""])
def test_an_unknown_ref_has_an_empty_answer_that_is_not_sound(graph: Reader, ref: str) -> None:
    found = graph.blast_radius(ref)
    assert (found.places, found.trust.sound, found.trust.seen_at) == ((), False, None)


def test_nothing_stands_on_a_leaf_and_that_is_known(graph: Reader) -> None:
    found = graph.blast_radius("shop")
    assert (found.places, found.trust.sound) == ((), True)


def test_before_anything_is_related_no_answer_is_sound(graph: Reader) -> None:
    declare({"shop": [], "db": []})
    trusts = [
        graph.blast_radius("db").trust,
        graph.stands_on("shop").trust,
        graph.path("shop", "db").trust,
        graph.common_cause(["shop", "db"]).trust,
        graph.changed_near("shop", since=LONG_AGO).trust,
    ]
    assert {(trust.known, trust.sound, trust.confidence) for trust in trusts} == {(False, False, 0)}


def test_one_unknown_ci_makes_a_common_cause_unsound(graph: Reader) -> None:
    assert not graph.common_cause(["shop", "bank", "absent"]).trust.sound


def test_a_cut_by_depth_is_told(graph: Reader) -> None:
    found = graph.blast_radius("rack", depth=2)
    assert [place.ref for place in found.places] == ["host", "db"]
    assert not found.trust.complete


def test_a_walk_that_just_reaches_the_end_is_complete(graph: Reader) -> None:
    assert graph.blast_radius("rack", depth=3).trust.complete


def test_an_answer_cut_by_size_is_told(graph: Reader) -> None:
    declare({"hub": []} | {f"leaf{number:05}": ["hub"] for number in range(MOST + 1)})
    found = graph.blast_radius("hub")
    assert (len(found.places), found.trust.complete) == (MOST, False)


def test_layers_are_named_where_known(graph: Reader) -> None:
    layers = {place.ref: place.layer for place in graph.stands_on("bank").places}
    assert layers == {"db": "service", "host": None, "rack": None}


def test_a_path_names_each_edge(graph: Reader) -> None:
    path = graph.path("shop", "rack")
    assert [(edge.dependent, edge.support) for edge in path.edges] == [
        ("shop", "db"),
        ("db", "host"),
        ("host", "rack"),
    ]


def test_there_is_no_path_upwards(graph: Reader) -> None:
    assert graph.path("rack", "shop").edges == ()


def test_the_nearest_shared_ci_is_the_first_cause(graph: Reader) -> None:
    causes = graph.common_cause(["shop", "bank"]).causes
    assert [(cause.ref, cause.explains) for cause in causes] == [
        ("db", ("bank", "shop")),
        ("host", ("bank", "shop")),
        ("rack", ("bank", "shop")),
    ]


def test_a_cause_may_be_one_of_those_asked_about(graph: Reader) -> None:
    assert graph.common_cause(["db", "shop"]).causes[0].ref == "db"


def test_too_many_cis_are_refused(graph: Reader) -> None:
    with pytest.raises(TooManyPlacesError):
        graph.common_cause([f"ci{number}" for number in range(51)])


def test_a_foundation_is_what_they_stand_on_and_what_else_does(graph: Reader) -> None:
    found = graph.foundation(["bank"])
    assert found.on == {
        "bank": frozenset({"db"}),
        "shop": frozenset({"db"}),
        "db": frozenset({"host"}),
        "host": frozenset({"rack"}),
    }


def test_a_foundation_of_too_many_is_refused(graph: Reader) -> None:
    with pytest.raises(TooManyPlacesError):
        graph.foundation([f"ci{number}" for number in range(501)])


def test_an_overdue_edge_below_makes_a_foundation_stale(graph: Reader) -> None:
    _set("fresh_until = now() - interval '1 hour'", "db")
    assert graph.foundation(["bank", "shop"]).trust.stale


def test_what_went_is_a_change_near(graph: Reader) -> None:
    declare(SITE | {"shop": ["db"]})
    edges = graph.changed_near("shop", since=LONG_AGO).edges
    assert [(edge.support, edge.gone) for edge in edges if edge.dependent == "shop"] == [
        ("dns", True),
        ("db", False),
    ]


def test_what_went_is_not_walked(graph: Reader) -> None:
    declare(SITE | {"shop": ["db"]})
    assert steps(graph, "dns") == {}


def test_what_changed_before_is_not_told(graph: Reader) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    assert graph.changed_near("shop", since=later).edges == ()


def test_an_overdue_edge_makes_an_answer_stale(graph: Reader) -> None:
    _set("fresh_until = now() - interval '1 hour', confidence = 40", "db")
    trust = graph.blast_radius("rack").trust
    assert (trust.stale, trust.sound, trust.confidence) == (True, False, 40)


def test_an_overdue_edge_elsewhere_makes_nothing_stale(graph: Reader) -> None:
    _set("fresh_until = now() - interval '1 hour'", "a")
    assert graph.blast_radius("rack").trust.sound


def test_agents_read_and_do_not_write(graph: Reader, become: Callable[[str], None]) -> None:
    become("agent")
    assert steps(graph, "host") == {"db": 1, "bank": 2, "shop": 2}


refs = [f"ci{number}" for number in range(8)]
graphs = st.dictionaries(
    st.sampled_from(refs), st.lists(st.sampled_from(refs), unique=True, max_size=4), min_size=1
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(declared=graphs)
def test_any_graph_is_walked_as_a_plain_walk_does(
    graph: Reader, declared: dict[str, list[str]]
) -> None:
    declare(declared)
    assert {ref: steps(graph, ref) for ref in refs} == {
        ref: plain_walk(declared, ref) for ref in refs
    }


def plain_walk(declared: Mapping[str, list[str]], start: str) -> dict[str, int]:
    found, level, step = {start: 0}, {start}, 0
    while level:
        step += 1
        level = {ref for ref, on in declared.items() if level & set(on)} - set(found)
        found |= dict.fromkeys(level, step)
    del found[start]
    return found


def _set(what: str, dependent: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE cmdb_relation SET {what} WHERE dependent = %s", [dependent])
