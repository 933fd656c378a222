"""The CMDB's relations, copied to a Neo4j: what differs there, in one transaction, and when.

Each place there has a digest of its own edges and of what stands on it. Whose digest differs is
written anew with the edges that lead down from it; so a copy that was interrupted, or that somebody
has changed by hand, is mended by the next.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from adapters import rows
from adapters.graph import layers
from adapters.graph.port import Copied, Layer
from adapters.graph.questions import Rests
from adapters.graph.server import Server

LAG_S: Final = 300
"""What only was seen anew since then is not written yet: the copy is then older, never younger."""
Row = Mapping[str, Any]

_KEY: Final = """
    CREATE CONSTRAINT ethops_place IF NOT EXISTS
    FOR (place:EthopsPlace) REQUIRE (place.site, place.ref) IS UNIQUE
"""
_FORGET: Final = "MATCH (place:EthopsPlace {site: $site}) DETACH DELETE place"
_FORGET_WHEN: Final = "MATCH (copy:EthopsCopy {site: $site}) DELETE copy"
_THERE: Final = """
    MATCH (place:EthopsPlace {site: $site})
    RETURN place.ref AS ref, place.digest AS digest, place.seen AS seen,
           duration.inSeconds(place.copied_at, datetime.realtime()).seconds AS age_s
"""
_GONE: Final = """
    UNWIND $refs AS ref
    MATCH (place:EthopsPlace {site: $site, ref: ref}) USING INDEX SEEK place:EthopsPlace(site, ref)
    DETACH DELETE place
"""
_PLACES: Final = """
    UNWIND $places AS said
    MERGE (place:EthopsPlace {site: $site, ref: said.ref})
    SET place = said, place.site = $site, place.copied_at = datetime.realtime()
"""
_CUT: Final = """
    UNWIND $places AS said
    MATCH (place:EthopsPlace {site: $site, ref: said.ref})-[edge]->()
    USING INDEX SEEK place:EthopsPlace(site, ref)
    DELETE edge
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
_WHEN: Final = """
    MERGE (copy:EthopsCopy {site: $site})
    SET copy.at = $at, copy.places = $places, copy.edges = $edges
"""
_STATE: Final = """
    MATCH (copy:EthopsCopy {site: $site})
    RETURN copy.at AS at, copy.places AS places, copy.edges AS edges,
           duration.inSeconds(copy.at, datetime.realtime()).seconds AS age_s
"""


def state(server: Server) -> Copied | None:
    """Return how the copy stands, None where nothing was copied; by the server's clock.

    Raises:
        GraphAwayError: the server does not answer, or refuses.
    """
    found = server.ask(_STATE)
    return Copied(**found[0]) if found else None


class Copier:
    """Copies the CMDB's relations to the server."""

    def __init__(self, server: Server | None = None) -> None:
        self._server = server or Server.of_settings()

    def state(self) -> Copied | None:
        """Return how the copy stands."""
        return state(self._server)

    def keep(self, *, lag_s: int = LAG_S) -> int:
        """Write what differs there, at once, and when that was; return how many places differed.

        Raises:
            GraphAwayError: the server does not answer, or refuses; all is then as before.
        """
        # The copy is as old as what was read for it, however long the writing takes.
        at = self._server.ask("RETURN datetime.realtime() AS at")[0]["at"]
        edges = rows.select(
            "SELECT dependent, support, kind, source, confidence, seen_at, changed_at,"
            " fresh_until, gone FROM reading.relation"
        )
        cis = rows.select("SELECT ref, ci_class, attributes ->> 'layer' AS said FROM reading.ci")
        known = {row["ref"]: layers.layer(row["ci_class"], row["said"]) for row in cis}
        wanted = {place["ref"]: place for place in _places(edges, known)}
        self._server.ask(_KEY)
        there = {row["ref"]: row for row in self._server.ask(_THERE)}
        fresh = [place for ref, place in wanted.items() if _differs(place, there.get(ref), lag_s)]
        refs = {place["ref"] for place in fresh}
        gone = [ref for ref in there if ref not in wanted]
        down = [edge for edge in edges if edge["dependent"] in refs]
        self._server.write(
            [
                (_GONE, {"refs": gone}),
                (_PLACES, {"places": fresh}),
                (_CUT, {"places": [{"ref": ref} for ref in refs]}),
                *(
                    (_EDGES.format(stands=name), {"edges": [e for e in down if e["gone"] is said]})
                    for name, said in (("ETHOPS_STANDS_ON", False), ("ETHOPS_STOOD_ON", True))
                ),
                (_WHEN, {"at": at, "places": len(wanted), "edges": len(edges)}),
            ]
        )
        return len(fresh) + len(gone)

    def forget(self) -> None:
        """Take what is ours off the server."""
        self._server.write([(_FORGET, {}), (_FORGET_WHEN, {})])


def _differs(place: Row, there: Row | None, lag_s: int) -> bool:
    if there is None or place["digest"] != there["digest"]:
        return True
    age_s = there["age_s"]
    return bool(place["seen"] != there["seen"] and (age_s is None or age_s >= lag_s))


def _places(edges: Sequence[Row], known: Mapping[str, Layer | None]) -> Iterator[dict[str, Any]]:
    """Yield the places as they are kept: with what their live edges, either way, say at least.

    An answer rests on all edges of the places gone from: so it weighs places, of which there are
    fewer, and reads no edge.
    """
    ends: dict[str, tuple[list[Row], list[Row], list[Row]]] = {}
    for ref in known:
        ends[ref] = ([], [], [])
    for edge in edges:
        up, *_ = ends.setdefault(edge["support"], ([], [], []))
        _, down, said = ends.setdefault(edge["dependent"], ([], [], []))
        said.append(edge)
        if not edge["gone"]:
            up.append(edge)
            down.append(edge)
    for ref, (up, down, said) in ends.items():
        rests = {
            **{f"up_{name}": value for name, value in asdict(least(up)).items()},
            **{f"down_{name}": value for name, value in asdict(least(down)).items()},
        }
        layer = known.get(ref)
        weights = [layer, rests["up_confidence"], rests["down_confidence"]]
        yield {
            "ref": ref,
            "layer": layer,
            **rests,
            "digest": _digest([weights, [_said(edge, _LASTING) for edge in said]]),
            "seen": _digest([rests, [_said(edge, _MOVING) for edge in said]]),
        }


_LASTING: Final = ("support", "kind", "source", "confidence", "changed_at", "gone")
_MOVING: Final = ("support", "kind", "seen_at", "fresh_until")


def _said(edge: Row, names: Sequence[str]) -> list[str]:
    return [str(edge[name]) for name in names]


def _digest(said: Sequence[Any]) -> str:
    """Return the same for the same, in whatever order the edges were read."""
    first, edges = said
    text = json.dumps([first, sorted(edges)], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def least(weighed: Sequence[Row]) -> Rests:
    """Return the least of each over rows, of which some may say nothing."""

    def of(name: str) -> Any:
        known = (row.get(name) for row in weighed)
        return min((value for value in known if value is not None), default=None)

    return Rests(of("confidence"), of("seen_at"), of("fresh_until"))
