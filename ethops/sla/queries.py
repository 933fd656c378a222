"""Stopwatches as they stand now, for pages, the API and the dispatcher."""

from collections.abc import Collection
from datetime import datetime
from typing import cast

from django.utils import timezone

from ethops.sla import terms
from ethops.sla.models import Stopwatch
from ethops.sla.standing import Standing, standing
from ethops.sla.stopwatch import Kind, Phase


def of_tickets(refs: Collection[str]) -> dict[str, list[Standing]]:
    """Return the clocks of each ticket, time to own first; one query for all of them."""
    now = timezone.now()
    found: dict[str, list[Standing]] = {}
    rows = Stopwatch.objects.filter(ticket_ref__in=refs).select_related("terms")
    for row in rows.order_by("ticket_ref", "kind"):
        found.setdefault(row.ticket_ref, []).append(of_row(row, now))
    return found


def of_ticket(ref: str) -> list[Standing]:
    """Return the clocks of one ticket, time to own first."""
    return of_tickets([ref]).get(ref, [])


def of_row(row: Stopwatch, now: datetime) -> Standing:
    """Return how one clock stands."""
    return standing(
        kind=cast("Kind", row.kind),
        phase=cast("Phase", row.phase),
        used_s=row.used_s,
        since=row.since,
        due_at=row.due_at,
        given=terms.given(row.terms.body),
        now=now,
    )


def next_due(ref: str) -> datetime | None:
    """Return when the next clock of a ticket that runs is due; None where none runs."""
    return (
        Stopwatch.objects.filter(ticket_ref=ref, phase="running")
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
