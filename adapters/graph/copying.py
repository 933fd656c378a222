"""The CMDB's relations, copied to a Neo4j: what differs there, in one transaction, and when.

Each place there has a digest of its own edges and of what stands on it. Whose digest differs is
written anew with the edges that lead down from it; so a copy that was interrupted, or that somebody
has changed by hand, is mended by the next. Who copies has the turn, for so long as it may take.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

from adapters.graph import saying
from adapters.graph.errors import GraphAwayError, GraphBusyError
from adapters.graph.port import Copied
from adapters.graph.saying import EDGE, RESTS
from adapters.graph.server import COPY_SECONDS, Server, native

LAG_S: Final = 300
"""What only was seen anew since then is not written yet: the copy is then older, never younger."""
PARTS: Final = 60
"""Of so many parts of the places one is compared as it lies there, by the minute."""
TURN_S: Final = int(COPY_SECONDS) + 60
"""So long who has the turn is believed to be at it."""
Row = Mapping[str, Any]

_KEYS: Final = (
    """
    CREATE CONSTRAINT ethops_place IF NOT EXISTS
    FOR (place:EthopsPlace) REQUIRE (place.site, place.ref) IS UNIQUE
    """,
    """
    CREATE CONSTRAINT ethops_copy IF NOT EXISTS
    FOR (copy:EthopsCopy) REQUIRE copy.site IS UNIQUE
    """,
)
_TAKE_TURN: Final = """
    MERGE (copy:EthopsCopy {site: $site})
    SET copy.asked_at = datetime.realtime()
    WITH copy, copy.asked_at AS at
    WHERE coalesce(copy.busy_until < at, true)
    SET copy.turn = $turn, copy.busy_until = at + duration({seconds: $turn_s})
    RETURN at
"""
"""The first SET waits for the node's lock: what is read after it is what the other has written."""
_END_TURN: Final = """
    MATCH (copy:EthopsCopy {site: $site}) WHERE copy.turn = $turn
    REMOVE copy.busy_until
"""
_FORGET: Final = "MATCH (place:EthopsPlace {site: $site}) DETACH DELETE place"
_FORGET_WHEN: Final = "MATCH (copy:EthopsCopy {site: $site}) DELETE copy"
_THERE: Final = """
    MATCH (place:EthopsPlace {site: $site})
    RETURN collect(place.ref) AS ref, collect(coalesce(place.digest, "")) AS digest,
           collect(coalesce(place.seen, "")) AS seen,
           collect(coalesce(place.copied_at.epochSeconds, 0)) AS copied_at,
           collect(COUNT { (place)-[:ETHOPS_STANDS_ON]->() }) AS stands,
           collect(COUNT { (place)-[:ETHOPS_STOOD_ON]->() }) AS stood
"""
"""A row of lists: ten thousand rows of six would take the driver longest of all."""
_AS_IT_LIES: Final = f"""
    UNWIND $refs AS ref
    MATCH (place:EthopsPlace {{site: $site, ref: ref}})
    USING INDEX SEEK place:EthopsPlace(site, ref)
    RETURN ref, [{", ".join(f"place.{name}" for name in ("layer", *RESTS))}] AS said,
           COLLECT {{
               MATCH (place)-[edge:ETHOPS_STANDS_ON|ETHOPS_STOOD_ON]->(lower)
               RETURN [ref, lower.ref, {", ".join(f"edge.{name}" for name in EDGE[2:])},
                       type(edge) = "ETHOPS_STOOD_ON"]
           }} AS edges
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
    UNWIND $refs AS ref
    MATCH (place:EthopsPlace {site: $site, ref: ref})-[edge]->()
    USING INDEX SEEK place:EthopsPlace(site, ref)
    DELETE edge
"""
_EDGES: Final = """
    UNWIND $edges AS one
    MATCH (upper:EthopsPlace {site: $site, ref: one[0]})
    USING INDEX SEEK upper:EthopsPlace(site, ref)
    MATCH (lower:EthopsPlace {site: $site, ref: one[1]})
    USING INDEX SEEK lower:EthopsPlace(site, ref)
    CREATE (upper)-[:%s {%s}]->(lower)
"""
_SAID: Final = ", ".join(f"{name}: one[{at}]" for at, name in enumerate(EDGE) if at > 1)
_WHEN: Final = """
    MATCH (copy:EthopsCopy {site: $site})
    SET copy.asked_at = datetime.realtime()
    WITH copy WHERE copy.turn = $turn
    SET copy.at = $at, copy.places = $places, copy.edges = $edges
    RETURN copy.at
"""
"""Last, so that who asks for the turn meanwhile does not wait."""
_STATE: Final = """
    MATCH (copy:EthopsCopy {site: $site}) WHERE copy.at IS NOT NULL
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

    def keep(self, *, lag_s: int = LAG_S, parts: int = PARTS) -> int:
        """Write what differs there, at once, and when that was; return how many places differed.

        Raises:
            GraphAwayError: the server does not answer, or refuses; all is then as before.
            GraphBusyError: another is at it; nothing was done.
        """
        for key in _KEYS:
            self._server.ask(key)
        with self._turn() as (turn, at):
            wanted = saying.digests()
            there = self._there()
            late = int(at.timestamp()) - lag_s
            differ = {ref for ref, one in wanted.items() if _differs(one, there.get(ref), late)}
            differ |= self._as_it_lies_differ(
                [
                    ref
                    for ref, one in wanted.items()
                    if crc32(ref.encode()) % parts == at.minute % parts
                    and ref not in differ
                    and one["seen"] == there[ref]["seen"]
                ]
            )
            gone = [ref for ref in there if ref not in wanted]
            self._write(turn, at, saying.said(sorted(differ)), gone, wanted)
        return len(differ) + len(gone)

    def forget(self) -> None:
        """Take what is ours off the server."""
        self._server.write([(_FORGET, {}), (_FORGET_WHEN, {})])

    @contextmanager
    def _turn(self) -> Iterator[tuple[str, datetime]]:
        """Have the turn; and the moment, for a copy is as old as what was read for it."""
        turn = uuid4().hex
        took = self._server.ask(_TAKE_TURN, turn=turn, turn_s=TURN_S)
        if not took:
            raise GraphBusyError(f"{self._server.uri}: another process is copying.")
        try:
            yield turn, took[0]["at"]
        finally:
            with suppress(GraphAwayError):
                self._server.ask(_END_TURN, turn=turn)

    def _there(self) -> dict[str, Row]:
        (columns,) = self._server.ask(_THERE)
        return {
            values[0]: dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        }

    def _as_it_lies_differ(self, refs: Sequence[str]) -> set[str]:
        """Return those of which something there is not what its digest says."""
        if not refs:
            return set()
        lies = {row["ref"]: row for row in self._server.ask(_AS_IT_LIES, refs=refs)}
        return {ref for ref, one in saying.said(refs).items() if not _lies(one, lies.get(ref))}

    def _write(
        self,
        turn: str,
        at: datetime,
        said: Mapping[str, Row],
        gone: Sequence[str],
        wanted: Mapping[str, Row],
    ) -> None:
        edges = [edge for one in said.values() for edge in one["edges"]]
        kept = ("ref", "layer", *RESTS, "digest", "seen")
        writes: list[tuple[str, dict[str, Any]]] = [
            (_GONE, {"refs": gone}),
            (_PLACES, {"places": [{name: one[name] for name in kept} for one in said.values()]}),
            (_CUT, {"refs": list(said)}),
            *(
                (_EDGES % (name, _SAID), {"edges": [e for e in edges if e[-1] is stood]})
                for name, stood in (("ETHOPS_STANDS_ON", False), ("ETHOPS_STOOD_ON", True))
            ),
        ]
        count = sum(one["stands"] + one["stood"] for one in wanted.values())
        when = {"turn": turn, "at": at, "places": len(wanted), "edges": count}
        # Whoever took longer than he was believed to writes nothing over what came after him.
        if not self._server.write(
            [write for write in writes if any(write[1].values())], then=(_WHEN, when)
        ):
            raise GraphBusyError(f"{self._server.uri}: another process has the turn by now.")


def _differs(wanted: Row, there: Row | None, late: int) -> bool:
    if there is None or any(wanted[name] != there[name] for name in ("digest", "stands", "stood")):
        return True
    return bool(wanted["seen"] != there["seen"] and there["copied_at"] <= late)


def _lies(said: Row, there: Row | None) -> bool:
    """Say whether a place and its edges there say, value by value, what they should."""
    if there is None:
        return False
    wanted = [[*edge, edge[-1]] for edge in said["edges"]]
    lie = [[native(value) for value in edge] for edge in there["edges"]]
    return [native(value) for value in there["said"]] == [
        said[name] for name in ("layer", *RESTS)
    ] and sorted(lie, key=_ends) == sorted(wanted, key=_ends)


def _ends(edge: Sequence[Any]) -> list[str]:
    return [str(one) for one in edge[:3]]
