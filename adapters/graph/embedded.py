"""The graph by recursive SQL over the CMDB mirror: the default behind the graph contract.

A row of the recursion is a whole level, not a path: a circle ends, and a graph with many ways
between two places costs no more than its edges.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters import rows
from adapters.graph import layers
from adapters.graph.port import MOST, Edge, Layer
from adapters.graph.questions import Direction, Pair, Questions, Rests, Walk

_EDGE: Final = """
    SELECT dependent, support, kind, source, confidence, seen_at, changed_at, fresh_until, gone
    FROM reading.relation
"""
_LEVELS: Final = """
    WITH RECURSIVE walk (steps, level, seen) AS (
        SELECT 0, %s::text[], %s::text[]
        UNION ALL
        SELECT walk.steps + 1, next.level, walk.seen || next.level
        FROM walk CROSS JOIN LATERAL (
            SELECT array_agg(place) AS level FROM (
                SELECT edge.{there}::text AS place
                FROM unnest(walk.level) AS here JOIN reading.relation edge ON edge.{here} = here
                WHERE NOT edge.gone
                EXCEPT SELECT unnest(walk.seen)
            ) AS places
        ) AS next
        WHERE walk.steps < %s AND cardinality(walk.seen) <= %s
          AND next.level IS NOT NULL
    )
    SELECT steps, level FROM walk ORDER BY steps
"""
_LEVELS_OF: Final[Mapping[Direction, str]] = {
    "up": _LEVELS.format(there="dependent", here="support"),
    "down": _LEVELS.format(there="support", here="dependent"),
}
_RESTS: Final = """
    SELECT min(confidence) AS confidence, min(seen_at) AS seen_at, min(fresh_until) AS fresh_until
    FROM unnest(%s::text[]) AS place JOIN reading.relation edge ON edge.{here} = place
    WHERE NOT edge.gone
"""
_RESTS_OF: Final[Mapping[Direction, str]] = {
    "up": _RESTS.format(here="support"),
    "down": _RESTS.format(here="dependent"),
}
_BEYOND: Final = """
    SELECT FROM unnest(%s::text[]) AS place JOIN reading.relation edge ON edge.{here} = place
    WHERE NOT edge.gone AND NOT EXISTS (
        SELECT FROM unnest(%s::text[]) AS seen WHERE seen = edge.{there}
    )
    LIMIT 1
"""
_BEYOND_OF: Final[Mapping[Direction, str]] = {
    "up": _BEYOND.format(there="dependent", here="support"),
    "down": _BEYOND.format(there="support", here="dependent"),
}


_BETWEEN: Final = """
    SELECT DISTINCT edge.dependent, edge.support FROM reading.relation edge
    WHERE NOT edge.gone AND edge.dependent = ANY(%s)
    UNION
    SELECT DISTINCT edge.dependent, edge.support FROM reading.relation edge
    WHERE NOT edge.gone AND edge.support = ANY(%s)
"""


class Store:
    """Walks in the views of schema `reading`, which every role may."""

    def now(self) -> datetime:
        """Return the time by the database's clock."""
        return rows.now()

    def walk(self, refs: Sequence[str], direction: Direction, depth: int) -> Walk:
        """Go level by level in one statement, then weigh the edges where they lie."""
        starts = list(refs)
        levels = rows.select(_LEVELS_OF[direction], [starts, starts, depth, MOST])
        steps = {place: level["steps"] for level in levels for place in level["level"]}
        last, farthest = levels[-1]["steps"], levels[-1]["level"]
        # Where the bounds ended the walk, nobody has gone on from the last level.
        cut = last >= depth or len(steps) > MOST
        gone_from = [place for place, far in steps.items() if not cut or far < last]
        (found,) = rows.select(_RESTS_OF[direction], [gone_from])
        beyond = cut and bool(rows.select(_BEYOND_OF[direction], [farthest, list(steps)]))
        return Walk(steps, Rests(**found), complete=not beyond)

    def between(self, dependents: Sequence[str], supports: Sequence[str]) -> Sequence[Pair]:
        """Return who stands directly on what, by the edges of either end."""
        found = rows.select(_BETWEEN, [list(dependents), list(supports)])
        return [(row["dependent"], row["support"]) for row in found]

    def onto(self, support: str, dependents: Sequence[str]) -> tuple[Edge, ...]:
        """Return the live edges by which these places stand on that one."""
        return _edges(
            "WHERE NOT gone AND support = %s AND dependent = ANY(%s)", [support, list(dependents)]
        )

    def unknown(self, refs: Sequence[str]) -> frozenset[str]:
        """Return those that no live edge names."""
        found = rows.select(
            "SELECT ref FROM unnest(%s::text[]) AS asked (ref) WHERE NOT EXISTS ("
            " SELECT FROM reading.relation edge WHERE NOT edge.gone AND edge.dependent = ref)"
            " AND NOT EXISTS ("
            " SELECT FROM reading.relation edge WHERE NOT edge.gone AND edge.support = ref)",
            [list(refs)],
        )
        return frozenset(row["ref"] for row in found)

    def layers(self, refs: Sequence[str]) -> Mapping[str, Layer | None]:
        """Return the layers of those that are CIs."""
        found = rows.select(
            "SELECT ref, ci_class, attributes ->> 'layer' AS said FROM reading.ci"
            " WHERE ref = ANY(%s)",
            [list(refs)],
        )
        return {row["ref"]: layers.layer(row["ci_class"], row["said"]) for row in found}

    def changed(self, refs: Sequence[str], since: datetime) -> tuple[Edge, ...]:
        """Return the edges at these places, gone ones too, that changed since."""
        return _edges(
            "WHERE changed_at >= %s AND (dependent = ANY(%s) OR support = ANY(%s))",
            [since, list(refs), list(refs)],
        )


class Reader(Questions):
    """Answers from the mirror."""

    def __init__(self) -> None:
        super().__init__(Store())


def _edges(where: str, params: list[object]) -> tuple[Edge, ...]:
    return tuple(Edge(**row) for row in rows.select(f"{_EDGE} {where}", params))
