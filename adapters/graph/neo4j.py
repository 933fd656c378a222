"""The graph in a Neo4j, through its official driver: the same answers from the same edges.

All of ours there carries the name of our site, so that a shared server is left as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from neo4j import Driver, GraphDatabase, Query
from neo4j.exceptions import DriverError, Neo4jError

from adapters import conf, rows
from adapters.graph import layers
from adapters.graph.errors import GraphAwayError
from adapters.graph.port import MOST, Edge, Layer
from adapters.graph.questions import Direction, Pair, Questions, Rests, Walk

SECONDS: Final = 10.0
"""As long as one statement may take; the whole mirror is written in one of its own."""
MIRROR_SECONDS: Final = 300.0

_KEY: Final = """
    CREATE CONSTRAINT ethops_place IF NOT EXISTS
    FOR (place:EthopsPlace) REQUIRE (place.site, place.ref) IS UNIQUE
"""
_WALK: Final = """
    UNWIND $refs AS ref
    MATCH (start:EthopsPlace {{site: $site, ref: ref}})
    USING INDEX SEEK start:EthopsPlace(site, ref)
    MATCH way = (start){here}(far)
    WITH far, min(length(way)) AS steps
    RETURN steps, far.layer AS layer, collect(far.ref) AS refs,
           min(far.{to}_confidence) AS confidence,
           min(far.{to}_seen_at) AS seen_at, min(far.{to}_fresh_until) AS fresh_until
    ORDER BY steps
"""
"""Of a path only the least length is asked for, so that the server walks breadth first and finds
each place once: `EXPLAIN` says VarLengthExpand(Pruning,BFS). A bound cannot be a parameter. The
hint is for a server that has planned before the first copy, when nothing was there to seek."""
_WAYS: Final[Mapping[Direction, str]] = {
    "up": "<-[:ETHOPS_STANDS_ON*0..{depth}]-",
    "down": "-[:ETHOPS_STANDS_ON*0..{depth}]->",
}
_EDGE: Final = """
    RETURN lower.ref AS support, upper.ref AS dependent, edge.kind AS kind, edge.source AS source,
           edge.confidence AS confidence, edge.seen_at AS seen_at, edge.changed_at AS changed_at,
           edge.fresh_until AS fresh_until, edge.gone AS gone
"""
_BETWEEN: Final = """
    UNWIND $dependents AS dependent
    MATCH (upper:EthopsPlace {site: $site, ref: dependent})-[:ETHOPS_STANDS_ON]->(lower)
    USING INDEX SEEK upper:EthopsPlace(site, ref)
    RETURN dependent, lower.ref AS support
    UNION
    UNWIND $supports AS support
    MATCH (upper)-[:ETHOPS_STANDS_ON]->(lower:EthopsPlace {site: $site, ref: support})
    USING INDEX SEEK lower:EthopsPlace(site, ref)
    RETURN upper.ref AS dependent, support
"""
_ONTO: Final = f"""
    UNWIND $refs AS ref
    MATCH (upper:EthopsPlace {{site: $site, ref: ref}})-[edge:ETHOPS_STANDS_ON]->
          (lower:EthopsPlace {{site: $site, ref: $support}})
    USING INDEX SEEK upper:EthopsPlace(site, ref)
    {_EDGE}
"""
_CHANGED: Final = f"""
    UNWIND $refs AS ref
    MATCH (here:EthopsPlace {{site: $site, ref: ref}})-[edge:ETHOPS_STANDS_ON|ETHOPS_STOOD_ON]-()
    USING INDEX SEEK here:EthopsPlace(site, ref)
    WHERE edge.changed_at >= $since
    WITH DISTINCT edge, startNode(edge) AS upper, endNode(edge) AS lower
    {_EDGE}
"""
_UNKNOWN: Final = """
    UNWIND $refs AS ref
    WITH ref WHERE NOT EXISTS {
        MATCH (here:EthopsPlace {site: $site, ref: ref})-[:ETHOPS_STANDS_ON]-()
        USING INDEX SEEK here:EthopsPlace(site, ref)
    }
    RETURN ref
"""
_LAYERS: Final = """
    UNWIND $refs AS ref
    MATCH (place:EthopsPlace {site: $site, ref: ref}) USING INDEX SEEK place:EthopsPlace(site, ref)
    WHERE place.layer IS NOT NULL
    RETURN place.layer AS layer, collect(ref) AS refs
"""
_FORGET: Final = "MATCH (place:EthopsPlace {site: $site}) DETACH DELETE place"
_PLACES: Final = """
    UNWIND $places AS said
    CREATE (place:EthopsPlace {site: $site}) SET place += said
"""
_EDGES: Final = """
    UNWIND $edges AS one
    MATCH (upper:EthopsPlace {{site: $site, ref: one.dependent}})
    USING INDEX SEEK upper:EthopsPlace(site, ref)
    MATCH (lower:EthopsPlace {{site: $site, ref: one.support}})
    USING INDEX SEEK lower:EthopsPlace(site, ref)
    CREATE (upper)-[:{stands} {{kind: one.kind, source: one.source,
        confidence: one.confidence, seen_at: one.seen_at, changed_at: one.changed_at,
        fresh_until: one.fresh_until, gone: one.gone}}]->(lower)
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the Neo4j is, and what is ours in it; an empty user is none."""

    uri: str
    user: str = ""
    password_file: str = ""
    database: str = "neo4j"
    site: str = "ethops"

    @classmethod
    def of_settings(cls) -> "Server":
        """Return what the settings say for the contract `graph`."""
        return cls(**{name: str(value) for name, value in conf.options("graph").items()})

    def ask(self, query: str, *, seconds: float = SECONDS, **said: Any) -> list[dict[str, Any]]:
        """Return the rows of one statement, which is a transaction.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        try:
            with _driver(self).session(database=self.database) as session:
                found = session.run(Query(query, timeout=seconds), site=self.site, **said)
                return [_native(record.data()) for record in found]
        except (DriverError, Neo4jError, OSError) as error:
            raise GraphAwayError(f"{self.uri}: {error}") from error

    def write(self, statements: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Run all statements in one transaction: whoever reads sees the state before or after.

        Raises:
            GraphAwayError: the server does not answer, or refuses.
        """
        try:
            with (
                _driver(self).session(database=self.database) as session,
                session.begin_transaction(timeout=MIRROR_SECONDS) as transaction,
            ):
                for query, said in statements:
                    transaction.run(query, site=self.site, **said).consume()
                transaction.commit()
        except (DriverError, Neo4jError, OSError) as error:
            raise GraphAwayError(f"{self.uri}: {error}") from error


@cache
def _driver(server: Server) -> Driver:
    """Return the process's one driver, which keeps connections, and opens none before it must."""
    password = Path(server.password_file).read_text("utf-8").strip() if server.user else ""
    return GraphDatabase.driver(
        server.uri,
        auth=(server.user, password) if server.user else None,
        connection_timeout=SECONDS,
        connection_acquisition_timeout=SECONDS,
        notifications_min_severity="OFF",
    )


def _native(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.to_native() if hasattr(value, "to_native") else value
        for name, value in row.items()
    }


class Store:
    """Walks in one statement, breadth first."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> datetime:
        """Return the time by the server's clock."""
        said: datetime = self._server.ask("RETURN datetime.realtime() AS now")[0]["now"]
        return said

    def walk(self, refs: Sequence[str], direction: Direction, depth: int) -> Walk:
        """Go a step beyond the depth, to know whether something was cut; keep whole levels."""
        way = _WAYS[direction].format(depth=depth + 1)
        query = _WALK.format(here=way, to=direction)
        found = self._server.ask(query, refs=list(refs))
        farthest = max((row["steps"] for row in found), default=0)
        # What the graph does not know is a place all the same, with nothing around it.
        steps: dict[str, int] = dict.fromkeys(refs, 0)
        for far in range(1, min(farthest, depth) + 1):
            if len(steps) > MOST:
                break
            level = (row for row in found if row["steps"] == far)
            steps |= {ref: far for row in level for ref in row["refs"]}
        last = max(steps.values(), default=0)
        # Where the bounds ended the walk, nobody has gone on from the last level.
        cut = last >= depth or len(steps) > MOST
        return Walk(
            steps,
            _least([row for row in found if row["steps"] < last + (not cut)]),
            complete=farthest == last,
            layers={ref: row["layer"] for row in found for ref in row["refs"]},
        )

    def between(self, dependents: Sequence[str], supports: Sequence[str]) -> Sequence[Pair]:
        """Return who stands directly on what, by the edges of either end."""
        found = self._server.ask(_BETWEEN, dependents=list(dependents), supports=list(supports))
        return [(row["dependent"], row["support"]) for row in found]

    def onto(self, support: str, dependents: Sequence[str]) -> tuple[Edge, ...]:
        """Return the live edges by which these places stand on that one."""
        found = self._server.ask(_ONTO, support=support, refs=list(dependents))
        return tuple(Edge(**row) for row in found)

    def unknown(self, refs: Sequence[str]) -> frozenset[str]:
        """Return those that no live edge names."""
        return frozenset(row["ref"] for row in self._server.ask(_UNKNOWN, refs=list(refs)))

    def layers(self, refs: Sequence[str]) -> Mapping[str, Layer | None]:
        """Return the layers of those that are CIs."""
        found = self._server.ask(_LAYERS, refs=list(refs))
        return {ref: row["layer"] for row in found for ref in row["refs"]}

    def changed(self, refs: Sequence[str], since: datetime) -> tuple[Edge, ...]:
        """Return the edges at these places, gone ones too, that changed since."""
        found = self._server.ask(_CHANGED, refs=list(refs), since=since)
        return tuple(Edge(**row) for row in found)


def _least(weighed: Sequence[Mapping[str, Any]]) -> Rests:
    def least(name: str) -> Any:
        known = (row.get(name) for row in weighed)
        return min((value for value in known if value is not None), default=None)

    return Rests(least("confidence"), least("seen_at"), least("fresh_until"))


class Reader(Questions):
    """Answers from the mirror in the server that the settings name."""

    def __init__(self, server: Server | None = None) -> None:
        super().__init__(Store(server or Server.of_settings()))


class Mirror:
    """Copies the CMDB's relations to the server."""

    def __init__(self, server: Server | None = None) -> None:
        self._server = server or Server.of_settings()

    def copy(self) -> int:
        """Replace what is ours by what the CMDB says, at once, and return the number of edges.

        Raises:
            GraphAwayError: the server does not answer, or refuses; all is then as before.
        """
        edges = rows.select(
            "SELECT dependent, support, kind, source, confidence, seen_at, changed_at,"
            " fresh_until, gone FROM reading.relation"
        )
        cis = rows.select("SELECT ref, ci_class, attributes ->> 'layer' AS said FROM reading.ci")
        known = {row["ref"]: layers.layer(row["ci_class"], row["said"]) for row in cis}
        self._server.ask(_KEY)
        self._server.write(
            [
                (_FORGET, {}),
                (_PLACES, {"places": list(_places(edges, known))}),
                *(
                    (_EDGES.format(stands=name), {"edges": [e for e in edges if e["gone"] is gone]})
                    for name, gone in (("ETHOPS_STANDS_ON", False), ("ETHOPS_STOOD_ON", True))
                ),
            ]
        )
        return len(edges)

    def forget(self) -> None:
        """Take what is ours off the server."""
        self._server.write([(_FORGET, {})])


def _places(
    edges: Sequence[Mapping[str, Any]], known: Mapping[str, Layer | None]
) -> Iterator[dict[str, Any]]:
    """Yield the places as they are kept: with what their live edges, either way, say at least.

    An answer rests on all edges of the places gone from: so it weighs places, of which there are
    fewer, and reads no edge.
    """
    ends: dict[str, tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]] = {}
    for ref in known:
        ends[ref] = ([], [])
    for edge in edges:
        up, _ = ends.setdefault(edge["support"], ([], []))
        _, down = ends.setdefault(edge["dependent"], ([], []))
        if not edge["gone"]:
            up.append(edge)
            down.append(edge)
    for ref, (up, down) in ends.items():
        yield {
            "ref": ref,
            "layer": known.get(ref),
            **{f"up_{name}": value for name, value in asdict(_least(up)).items()},
            **{f"down_{name}": value for name, value in asdict(_least(down)).items()},
        }
