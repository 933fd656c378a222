"""The graph in a Neo4j, through its official driver: the same answers from the same edges.

All of ours there carries the name of our site, so that a shared server is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from adapters.graph.questions import Direction, Questions, Rests, Walk

SECONDS: Final = 10.0
"""As long as one statement may take; the whole mirror is written in one of its own."""
MIRROR_SECONDS: Final = 300.0

_KEY: Final = """
    CREATE CONSTRAINT ethops_place IF NOT EXISTS
    FOR (place:EthopsPlace) REQUIRE (place.site, place.ref) IS UNIQUE
"""
_LEVEL: Final = """
    UNWIND $refs AS ref
    MATCH (:EthopsPlace {{site: $site, ref: ref}}){way}(far:EthopsPlace)
    WHERE NOT edge.gone
    RETURN collect(DISTINCT far.ref) AS refs, min(edge.confidence) AS confidence,
           min(edge.seen_at) AS seen_at, min(edge.fresh_until) AS fresh_until
"""
_NEXT: Final[Mapping[Direction, str]] = {
    "up": _LEVEL.format(way="<-[edge:ETHOPS_STANDS_ON]-"),
    "down": _LEVEL.format(way="-[edge:ETHOPS_STANDS_ON]->"),
}
_EDGE: Final = """
    RETURN lower.ref AS support, upper.ref AS dependent, edge.kind AS kind, edge.source AS source,
           edge.confidence AS confidence, edge.seen_at AS seen_at, edge.changed_at AS changed_at,
           edge.fresh_until AS fresh_until, edge.gone AS gone
"""
_ONTO: Final = f"""
    UNWIND $refs AS ref
    MATCH (upper:EthopsPlace {{site: $site, ref: ref}})-[edge:ETHOPS_STANDS_ON]->
          (lower:EthopsPlace {{site: $site, ref: $support}})
    WHERE NOT edge.gone
    {_EDGE}
"""
_CHANGED: Final = f"""
    UNWIND $refs AS ref
    MATCH (:EthopsPlace {{site: $site, ref: ref}})-[edge:ETHOPS_STANDS_ON]-()
    WHERE edge.changed_at >= $since
    WITH DISTINCT edge, startNode(edge) AS upper, endNode(edge) AS lower
    {_EDGE}
"""
_UNKNOWN: Final = """
    UNWIND $refs AS ref
    WITH ref WHERE NOT EXISTS {
        MATCH (:EthopsPlace {site: $site, ref: ref})-[edge:ETHOPS_STANDS_ON]-() WHERE NOT edge.gone
    }
    RETURN ref
"""
_LAYERS: Final = """
    UNWIND $refs AS ref
    MATCH (place:EthopsPlace {site: $site, ref: ref}) WHERE place.ci_class IS NOT NULL
    RETURN ref, place.ci_class AS ci_class, place.said AS said
"""
_FORGET: Final = "MATCH (place:EthopsPlace {site: $site}) DETACH DELETE place"
_PLACES: Final = """
    UNWIND $places AS place
    CREATE (:EthopsPlace {site: $site, ref: place.ref, ci_class: place.ci_class, said: place.said})
"""
_EDGES: Final = """
    UNWIND $edges AS one
    MATCH (upper:EthopsPlace {site: $site, ref: one.dependent})
    MATCH (lower:EthopsPlace {site: $site, ref: one.support})
    CREATE (upper)-[:ETHOPS_STANDS_ON {kind: one.kind, source: one.source,
        confidence: one.confidence, seen_at: one.seen_at, changed_at: one.changed_at,
        fresh_until: one.fresh_until, gone: one.gone}]->(lower)
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
    """Walks level by level: a question to the server for each."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> datetime:
        """Return the time by the server's clock."""
        said: datetime = self._server.ask("RETURN datetime.realtime() AS now")[0]["now"]
        return said

    def walk(self, ref: str, direction: Direction, depth: int) -> Walk:
        """Go level by level; the last is looked beyond too, to know whether something was cut."""
        steps, level, here = {ref: 0}, [ref], 0
        weighed: list[dict[str, Any]] = []
        while level:
            (found,) = self._server.ask(_NEXT[direction], refs=level)
            level = [one for one in found["refs"] if one not in steps]
            if here >= depth or len(steps) > MOST:
                return Walk(steps, _least(weighed), complete=not level)
            here += 1
            weighed.append(found)
            steps |= dict.fromkeys(level, here)
        return Walk(steps, _least(weighed), complete=True)

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
        return {row["ref"]: layers.layer(row["ci_class"], row["said"]) for row in found}

    def changed(self, refs: Sequence[str], since: datetime) -> tuple[Edge, ...]:
        """Return the edges at these places, gone ones too, that changed since."""
        found = self._server.ask(_CHANGED, refs=list(refs), since=since)
        return tuple(Edge(**row) for row in found)


def _least(weighed: Sequence[Mapping[str, Any]]) -> Rests:
    def least(name: str) -> Any:
        return min((row[name] for row in weighed if row[name] is not None), default=None)

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
        places = {row["ref"]: row for row in cis}
        for edge in edges:
            for ref in (edge["dependent"], edge["support"]):
                places.setdefault(ref, {"ref": ref, "ci_class": None, "said": None})
        self._server.ask(_KEY)
        self._server.write(
            [
                (_FORGET, {}),
                (_PLACES, {"places": list(places.values())}),
                (_EDGES, {"edges": edges}),
            ]
        )
        return len(edges)

    def forget(self) -> None:
        """Take what is ours off the server."""
        self._server.write([(_FORGET, {})])
