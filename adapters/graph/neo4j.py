"""The graph in a Neo4j: the same answers from the same edges, out of a copy that is young enough.

All of ours there carries the name of our site, so that a shared server is left as it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

from adapters.graph import copying
from adapters.graph.errors import GraphOldError
from adapters.graph.port import MOST, Edge, Layer
from adapters.graph.questions import Direction, Pair, Questions, Rests, Walk
from adapters.graph.server import Server

LOOK_SECONDS: Final = 5.0
"""For so long it is known that the copy is young enough."""

_WALK: Final = """
    UNWIND $refs AS ref
    MATCH (start:EthopsPlace {{site: $site, ref: ref}})
    USING INDEX SEEK start:EthopsPlace(site, ref)
    MATCH way = (start){here}(far)
    WITH far, min(length(way)) AS steps
    WITH steps, collect(far) AS level ORDER BY steps
    WITH collect(level) AS levels
    WITH levels, reduce(
        taken = [0, $asked], steps IN range(1, size(levels) - 1) |
        CASE WHEN steps > $depth OR taken[1] > $most THEN taken
             ELSE [steps, taken[1] + size(levels[steps])] END
    )[0] AS last
    UNWIND range(0, last) AS steps
    UNWIND levels[steps] AS far
    RETURN steps, size(levels) - 1 AS farthest, far.layer AS layer, collect(far.ref) AS refs,
           min(far.{to}_confidence) AS confidence,
           min(far.{to}_seen_at) AS seen_at, min(far.{to}_fresh_until) AS fresh_until
    ORDER BY steps
"""
"""Of a path only the least length is asked for, so that the server walks breadth first and finds
each place once: `EXPLAIN` says VarLengthExpand(Pruning,BFS). A bound cannot be a parameter. The
hint is for a server that has planned before the first copy, when nothing was there to seek.
Places beyond the last level that an answer names stay where they are: nothing of them is read."""
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


_young: Final[dict[Server, float]] = {}
"""Until when each server's copy need not be looked at again, by this process's clock."""


class Store:
    """Walks in one statement, breadth first."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> datetime:
        """Return the time by the server's clock."""
        said: datetime = self._server.ask("RETURN datetime.realtime() AS now")[0]["now"]
        return said

    def walk(self, refs: Sequence[str], direction: Direction, depth: int) -> Walk:
        """Go a step beyond the depth, to know whether something was cut; keep whole levels.

        Raises:
            GraphOldError: the copy is older than it may be.
        """
        self._refuse_the_old()
        query = _WALK.format(here=_WAYS[direction].format(depth=depth + 1), to=direction)
        asked = len(set(refs))
        found = self._server.ask(query, refs=list(refs), asked=asked, depth=depth, most=MOST)
        last = max((row["steps"] for row in found), default=0)
        named = asked + sum(len(row["refs"]) for row in found if row["steps"])
        # What the graph does not know is a place all the same, with nothing around it.
        steps: dict[str, int] = dict.fromkeys(refs, 0)
        steps |= {ref: row["steps"] for row in found for ref in row["refs"]}
        # Where the bounds ended the walk, nobody has gone on from the last level.
        cut = last >= depth or named > MOST
        return Walk(
            steps,
            least([row for row in found if row["steps"] < last + (not cut)]),
            complete=all(row["farthest"] == last for row in found),
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

    def _refuse_the_old(self) -> None:
        """Where nothing was ever copied nothing is known, which the answer says by itself."""
        if _young.get(self._server, 0.0) > monotonic():
            return
        found = copying.state(self._server)
        if found is not None and found.age_s > self._server.oldest_s:
            most = self._server.oldest_s
            raise GraphOldError(f"{self._server.uri}: it is {found.age_s} s old, {most} at most")
        if found is not None:
            left = min(LOOK_SECONDS, self._server.oldest_s - found.age_s)
            _young[self._server] = monotonic() + left


class Reader(Questions):
    """Answers from the mirror in the server that the settings name."""

    def __init__(self, server: Server | None = None) -> None:
        super().__init__(Store(server or Server.of_settings()))


class Copier(copying.Copier):
    """Keeps the copy in the server that the settings name."""


def least(weighed: Sequence[Mapping[str, Any]]) -> Rests:
    """Return the least of each over rows, of which some may say nothing."""

    def of(name: str) -> Any:
        known = (row.get(name) for row in weighed)
        return min((value for value in known if value is not None), default=None)

    return Rests(of("confidence"), of("seen_at"), of("fresh_until"))
