"""The graph by recursive SQL over the CMDB mirror: the default behind the graph contract.

A row of the recursion is a whole level, not a path: a circle ends, and a graph with many ways
between two places costs no more than its edges, each read once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from adapters import rows
from adapters.graph import layers
from adapters.graph.port import MOST, Copied, Edge, Layer
from adapters.graph.questions import Direction, Pair, Questions, Rests, Walk

_EDGE: Final = """
    SELECT dependent, support, kind, source, confidence, seen_at, changed_at, fresh_until, gone
    FROM reading.relation
"""
_LEVELS: Final = """
    WITH RECURSIVE walk (steps, level, seen, confidence, seen_at, fresh_until) AS (
        SELECT 0, %s::text[], %s::text[], NULL::smallint, NULL::timestamptz, NULL::timestamptz
        UNION ALL
        SELECT walk.steps + 1, next.level, walk.seen || next.level,
               next.confidence, next.seen_at, next.fresh_until
        FROM walk CROSS JOIN LATERAL (
            WITH near AS MATERIALIZED (
                SELECT edge.{there}::text COLLATE "C" AS place,
                       edge.confidence, edge.seen_at, edge.fresh_until
                FROM unnest(walk.level) AS here JOIN reading.relation edge ON edge.{here} = here
                WHERE NOT edge.gone
            )
            SELECT (SELECT array_agg(place COLLATE "default") FROM (
                        SELECT place FROM near EXCEPT SELECT unnest(walk.seen) COLLATE "C"
                    ) AS places) AS level,
                   min(confidence) AS confidence, min(seen_at) AS seen_at,
                   min(fresh_until) AS fresh_until
            FROM near
        ) AS next
        WHERE walk.level IS NOT NULL AND walk.steps < %s AND cardinality(walk.seen) <= %s
    ), farthest AS (SELECT level, seen FROM walk ORDER BY steps DESC LIMIT 1)
    SELECT steps, level, confidence, seen_at, fresh_until,
           steps = max(steps) OVER () AND level IS NOT NULL AND EXISTS (
               SELECT FROM (SELECT unnest(level) AS here FROM farthest) AS last
               JOIN reading.relation edge ON edge.{here} = last.here
               WHERE NOT edge.gone
                 AND edge.{there}::text NOT IN (SELECT unnest(seen) FROM farthest)
           ) AS beyond
    FROM walk ORDER BY steps
"""
"""A row has what the edges say that lead to its level. The last has no level where nothing more was
found; where the bounds ended the walk it has one, and tells whether there is more beyond."""
_LEVELS_OF: Final[Mapping[Direction, str]] = {
    "up": _LEVELS.format(there="dependent", here="support"),
    "down": _LEVELS.format(there="support", here="dependent"),
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
        """Go level by level, and weigh the edges on the way, in one statement."""
        starts = list(refs)
        levels = rows.select(_LEVELS_OF[direction], [starts, starts, depth, MOST])
        steps = {place: level["steps"] for level in levels for place in level["level"] or ()}
        return Walk(
            steps,
            Rests(*(_least(levels, name) for name in ("confidence", "seen_at", "fresh_until"))),
            complete=not levels[-1]["beyond"],
        )

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


class Copier:
    """Answers come from the relations themselves: there is nothing to copy."""

    def keep(self) -> int:
        """Do nothing."""
        return 0

    def state(self) -> Copied | None:
        """Return None: there is no copy."""
        return None


class Reader(Questions):
    """Answers from the mirror."""

    def __init__(self) -> None:
        super().__init__(Store())


def _least(levels: Sequence[Mapping[str, Any]], name: str) -> Any:
    return min((level[name] for level in levels if level[name] is not None), default=None)


def _edges(where: str, params: list[object]) -> tuple[Edge, ...]:
    return tuple(Edge(**row) for row in rows.select(f"{_EDGE} {where}", params))
