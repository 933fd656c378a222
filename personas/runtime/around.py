"""What the graph says around the CI of a ticket: few places, by name only where they are CIs. Pure.

Readers are handed in. Nothing of it was written by a model, a monitor or a host.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.cmdb import port as cmdb
from adapters.graph import port as graph
from adapters.graph.errors import GraphAwayError
from adapters.graph.port import Cause, Edge, Reach, Trust
from adapters.json_value import JSON
from adapters.tickets import port as tickets

ONE_TROUBLE: Final = timedelta(minutes=30)
"""Incidents that began within this may have one cause."""
LATELY: Final = timedelta(days=1)
"""What changed near a CI within this may have to do with its trouble."""
MOST_NAMED: Final = 8
MOST_ILL: Final = 40
"""So many other CIs that are ill are asked about at once."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands on a CI, what it shares with others that are ill, what changed near it."""

    above: Reach
    cause: Cause | None
    """What it stands on as most of the others do that are ill now."""
    path: tuple[Edge, ...]
    """From the CI down to that."""
    changed: tuple[Edge, ...]
    trust: Trust
    """Of all of it: as far as the weakest of its answers."""
    known: frozenset[str]
    """Which of these places are CIs; the others are counted and not named."""

    @property
    def layers(self) -> dict[str, int]:
        """How many stand on it, by layer, most first."""
        return dict(Counter(one.layer or "unknown" for one in self.above.places).most_common())

    @property
    def names(self) -> list[str]:
        """Which CIs stand on it, nearest first."""
        return [one.ref for one in self.above.places if one.ref in self.known][:MOST_NAMED]

    def said(self, edges: Iterable[Edge]) -> list[str]:
        """Return each edge between two CIs as a sentence."""
        named = [edge for edge in edges if {edge.dependent, edge.support} <= self.known]
        return [
            f"{edge.dependent} {edge.kind} {edge.support}{' no more' if edge.gone else ''}"
            for edge in named[:MOST_NAMED]
        ]


def ill(desk: tickets.Reader, now: datetime) -> set[str]:
    """Return the CIs whose incidents began lately and are still open."""
    return {
        ref
        for ticket in desk.open_tickets(ticket_class="incident")
        if now - ticket.opened_at < ONE_TROUBLE
        for ref in ticket.ci_refs
    }


def look(
    relations: graph.Reader, items: cmdb.Reader, ref: str, others: Iterable[str], now: datetime
) -> Around | None:
    """Return what is around a CI while these others are ill; None where the graph is away."""
    try:
        return _looked(relations, items, ref, sorted(set(others) - {ref})[:MOST_ILL], now)
    except GraphAwayError:
        return None


def _looked(
    relations: graph.Reader, items: cmdb.Reader, ref: str, others: list[str], now: datetime
) -> Around:
    above = relations.blast_radius(ref)
    changes = relations.changed_near(ref, since=now - LATELY)
    common = relations.common_cause([ref, *others]) if others else None
    causes = common.causes if common else ()
    shared = (one for one in causes if ref in one.explains and len(one.explains) > 1)
    cause = next(shared, None)
    if cause is not None and cause.ref == ref:
        # The others stand on it: what it stands on itself explains no more of them.
        cause = None
    way = relations.path(ref, cause.ref) if cause else None
    trust = _weakest([above.trust, changes.trust, *([way.trust] if way else [])])
    if common is not None:
        # How far the others are known says nothing of this CI.
        trust = replace(
            trust,
            stale=trust.stale or common.trust.stale,
            complete=trust.complete and common.trust.complete,
        )
    edges = (*(way.edges if way else ()), *changes.edges[:MOST_NAMED])
    asked = {one.ref for one in above.places[: 10 * MOST_NAMED]} | ({cause.ref} if cause else set())
    asked |= {end for edge in edges for end in (edge.dependent, edge.support)}
    return Around(
        above=above,
        cause=cause,
        path=way.edges if way else (),
        changed=changes.edges,
        trust=trust,
        known=frozenset(ci.ref for ci in items.by_refs(sorted(asked))),
    )


def _weakest(trusts: list[Trust]) -> Trust:
    return Trust(
        confidence=min(one.confidence for one in trusts),
        seen_at=min((one.seen_at for one in trusts if one.seen_at), default=None),
        stale=any(one.stale for one in trusts),
        complete=all(one.complete for one in trusts),
        known=all(one.known for one in trusts),
    )


def facts(around: Around, now: datetime) -> dict[str, JSON]:
    """Return the facts of a question; none where no relation of the CI is declared."""
    trust = around.trust
    if not trust.known:
        return {}
    found: dict[str, JSON] = {
        "graph.stale": trust.stale,
        "graph.complete": trust.complete,
        "graph.confidence": trust.confidence,
        "graph.above": len(around.above.places),
        "graph.above_layers": {**around.layers},
        "graph.above_names": [*around.names],
        "graph.changed": [*around.said(around.changed)],
        "graph.changed_count": len(around.changed),
    }
    if trust.seen_at is not None:
        found["graph.seen_seconds"] = round((now - trust.seen_at).total_seconds(), 1)
    if around.cause is not None:
        found["graph.cause_others"] = len(around.cause.explains) - 1
        found["graph.cause_path"] = [*around.said(around.path)]
        if around.cause.ref in around.known:
            found["graph.cause"] = around.cause.ref
    return found
