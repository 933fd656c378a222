"""The graph in a real Neo4j answers as the embedded one does, on graphs drawn by lot."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.conformance import tried
from adapters.graph import copying, embedded, neo4j, saying
from adapters.graph.conformance import KIT
from adapters.graph.copying import Copier
from adapters.graph.errors import GraphAwayError, GraphBusyError, GraphOldError
from adapters.graph.port import Reader, Trust
from adapters.graph.server import Server
from tests.conftest import point_django
from tests.live.cypher import Cypher
from tests.servers import Servers

# Graphs drawn by lot take a minute where nothing else runs, and the server has to start first.
pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

REFS = [f"ci{number}" for number in range(7)]
SINCE = datetime(2026, 1, 2, tzinfo=UTC)

moments = st.sampled_from([SINCE + timedelta(days=days, microseconds=7) for days in (-1, 0, 1)])
Graph: TypeAlias = dict[tuple[str, str], dict[str, Any]]

edges: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    kind=st.sampled_from(["depends_on", "runs_on"]),
    confidence=st.integers(1, 100),
    seen_at=moments,
    changed_at=moments,
    fresh_until=st.none() | moments | st.just(datetime(2999, 1, 1, tzinfo=UTC)),
    gone=st.sampled_from([False, False, False, True]),
)
graphs = st.dictionaries(
    st.tuples(st.sampled_from(REFS), st.sampled_from(REFS)).filter(lambda ends: ends[0] != ends[1]),
    edges,
    max_size=16,
)


@pytest.fixture
def server(
    cypher: Cypher, clean_db: None, servers: Servers, database_name: str
) -> Iterator[Server]:
    point_django(servers, database_name, "ethops_owner")
    ours = Server(cypher.uri, cypher.user, cypher.password_file, site=f"ethops-test-{uuid4().hex}")
    yield ours
    Copier(ours).forget()
    connections.close_all()


def declare(graph: Graph) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cmdb_relation")
        for (dependent, support), edge in graph.items():
            names = ("dependent", "support", "source", *edge)
            cursor.execute(
                f"INSERT INTO cmdb_relation ({', '.join(names)})"
                f" VALUES ({', '.join(['%s'] * len(names))})",
                [dependent, support, "site", *edge.values()],
            )


def answers(reader: Reader) -> dict[str, object]:
    return {
        **{f"{ref} up": reader.blast_radius(ref) for ref in REFS},
        **{f"{ref} down": reader.stands_on(ref) for ref in REFS},
        **{f"{ref} shallow": reader.blast_radius(ref, depth=1) for ref in REFS},
        **{f"{ref} path": reader.path(ref, REFS[0]) for ref in REFS},
        **{f"{ref} near": reader.changed_near(ref, since=SINCE, steps=1) for ref in REFS},
        "foundation": reader.foundation(REFS[:3]),
        "nothing": reader.foundation(["absent"]),
        "causes": reader.common_cause(REFS[:3]),
        "unknown": reader.common_cause(["absent", REFS[0]]),
    }


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(graph=graphs)
def test_both_answer_every_question_alike(server: Server, graph: Graph) -> None:
    declare(graph)
    Copier(server).keep(lag_s=0)
    assert answers(neo4j.Reader(server)) == answers(embedded.Reader())


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stages=st.lists(graphs, min_size=2, max_size=4))
def test_what_is_copied_bit_by_bit_is_as_if_copied_whole(
    server: Server, stages: list[Graph]
) -> None:
    for graph in stages:
        declare(graph)
        Copier(server).keep(lag_s=0)
    assert answers(neo4j.Reader(server)) == answers(embedded.Reader())
    assert Copier(server).keep(lag_s=0) == 0


def test_only_what_differs_is_written(server: Server) -> None:
    since = {"kind": "depends_on", "changed_at": SINCE, "seen_at": SINCE}
    graph: Graph = {(f"ci{n}", "hub"): since for n in range(30)}
    declare(graph)
    assert Copier(server).keep() == 31
    declare(graph | {("ci3", "ci4"): since | {"confidence": 50}})
    assert Copier(server).keep() == 2
    found = Copier(server).state()
    assert found is not None
    assert (found.places, found.edges) == (31, 31)


BY_HAND = {
    "a place was deleted": "MATCH (p:EthopsPlace {site: $site, ref: 'ci1'}) DETACH DELETE p",
    "what it stands on was": "MATCH (p:EthopsPlace {site: $site, ref: 'ci0'}) DETACH DELETE p",
    "an edge was": "MATCH (:EthopsPlace {site: $site, ref: 'ci1'})-[e]->() DELETE e",
    "an edge came": """
        MATCH (p:EthopsPlace {site: $site, ref: 'ci0'}), (q:EthopsPlace {site: $site, ref: 'ci2'})
        CREATE (p)-[:ETHOPS_STANDS_ON]->(q)
    """,
    "an edge says something else": """
        MATCH (:EthopsPlace {site: $site, ref: 'ci1'})-[e]->() SET e.confidence = 1
    """,
    "a place says something else": """
        MATCH (p:EthopsPlace {site: $site, ref: 'ci1'}) SET p.up_confidence = 1, p.layer = 'network'
    """,
    "a place lost its digest": """
        MATCH (p:EthopsPlace {site: $site, ref: 'ci1'}) REMOVE p.digest, p.copied_at
    """,
    "a place came": "CREATE (:EthopsPlace {site: $site, ref: 'ci9'})",
    "all was deleted": "MATCH (p {site: $site}) DETACH DELETE p",
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_somebody_changed_there_by_hand_is_mended(server: Server, what: str) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}, ("ci2", "ci1"): {"kind": "depends_on"}})
    Copier(server).keep()
    server.write([(BY_HAND[what], {})])
    assert Copier(server).keep(parts=1) > 0
    assert answers(neo4j.Reader(server)) == answers(embedded.Reader())
    assert Copier(server).keep(parts=1) == 0


def test_what_was_only_seen_again_waits_a_while(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on", "changed_at": SINCE, "seen_at": SINCE}})
    Copier(server).keep()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cmdb_relation SET seen_at = now()")
    assert Copier(server).keep() == 0
    assert Copier(server).keep(lag_s=0) == 2


def test_one_copies_and_the_other_leaves_it(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    with Copier(server)._turn(), pytest.raises(GraphBusyError, match="another process is copying"):
        Copier(server).keep()
    assert Copier(server).state() is None


def test_of_many_at_once_one_has_the_turn(server: Server) -> None:
    Copier(server).keep()

    def take(_: int) -> bool:
        return bool(server.ask(copying._TAKE_TURN, turn=uuid4().hex, turn_s=60))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_a_turn_that_was_never_given_back_ends(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    server.ask(copying._TAKE_TURN, turn="died", turn_s=-1)
    assert Copier(server).keep() == 2


def test_who_has_lost_the_turn_writes_nothing(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    with (
        pytest.raises(GraphBusyError, match="by now"),
        Copier(server)._turn() as (turn, at),
    ):
        server.write([("MATCH (c:EthopsCopy {site: $site}) SET c.turn = 'another'", {})])
        Copier(server)._write(turn, at, saying.said(["ci0", "ci1"]), [], saying.digests())
    assert server.ask("MATCH (p:EthopsPlace {site: $site}) RETURN p.ref AS ref") == []


def test_a_fault_gives_the_turn_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    with monkeypatch.context() as patch:
        patch.setattr(saying, "digests", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Copier(server).keep()
    assert Copier(server).keep() == 2


def test_a_copy_that_is_too_old_answers_nothing(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    Copier(server).keep()
    strict = Server(server.uri, server.user, server.password_file, site=server.site, oldest_s=60)
    assert neo4j.Reader(strict).blast_radius("ci0").places
    server.write(
        [("MATCH (c:EthopsCopy {site: $site}) SET c.at = c.at - duration({seconds: 61})", {})]
    )
    other = Server(server.uri, server.user, server.password_file, site=server.site, oldest_s=59)
    with pytest.raises(GraphOldError, match="59 at most"):
        neo4j.Reader(other).blast_radius("ci0")
    Copier(server).keep()
    assert neo4j.Reader(other).blast_radius("ci0").places


def test_before_anything_is_copied_nothing_is_known(server: Server) -> None:
    trust: Trust = neo4j.Reader(server).blast_radius("ci0").trust
    assert (trust.known, trust.sound) == (False, False)


def test_another_site_on_the_same_server_is_left_alone(server: Server) -> None:
    declare({("ci1", "ci0"): {"kind": "depends_on"}})
    Copier(server).keep(lag_s=0)
    other = Server(server.uri, server.user, server.password_file, site=f"{server.site}-other")
    Copier(other).forget()
    assert [place.ref for place in neo4j.Reader(server).blast_radius("ci0").places] == ["ci1"]


def test_the_kit_holds(server: Server) -> None:
    ground: Any = {"kind": "depends_on"}
    declare({("ci1", "ci0"): ground, ("ci2", "ci1"): ground, ("ci2", "ci3"): ground})
    Copier(server).keep(lag_s=0)
    adapter: Any = SimpleNamespace(Reader=lambda: neo4j.Reader(server))
    tries = list(tried(KIT, KIT.bench(adapter, "ethops check 00000000", {})))
    assert {(one.verdict, one.title, one.seen) for one in tries if one.verdict != "held"} == set()


def test_a_server_that_is_away_is_an_error_of_the_contract() -> None:
    with pytest.raises(GraphAwayError):
        neo4j.Reader(Server("bolt://127.0.0.1:9")).blast_radius("ci0")
