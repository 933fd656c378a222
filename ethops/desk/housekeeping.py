"""Daily order: what was resolved is closed once its requester may not reopen it any more."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction

from adapters import registry
from adapters.tickets import states
from ethops.desk.models import Occasion
from ethops.executor import tickets
from ethops.guests import knocks
from ethops.mail import taking
from gpu import relay as gpu

INTERVAL_SECONDS = 3_600
KEEP_OCCASIONS = timedelta(days=30)
NAMESPACE = UUID("c3c0f2e4-9d0e-4f6a-8a55-11d54a3d8c03")


def begin_occasion(schedule: str, interval_s: int) -> bool:
    """Claim this interval of a schedule; False where it was claimed before."""
    slot = int(time.time()) // interval_s
    _, created = Occasion.objects.get_or_create(schedule=schedule, slot=slot)
    return created


@transaction.atomic
def keep_house() -> int:
    """Close incidents and requests that nobody had opened again; returns how many."""
    if not begin_occasion("keep_house", INTERVAL_SECONDS):
        return 0
    gpu.forget()
    knocks.forget()
    taking.forget()
    before = datetime.now(UTC) - states.REOPEN_WITHIN
    Occasion.objects.filter(at__lt=datetime.now(UTC) - KEEP_OCCASIONS).delete()
    closed = 0
    for ticket in registry.reader("tickets").resolved_before(before):
        tickets.move_by_rule(
            key=uuid5(NAMESPACE, f"close:{ticket.ref}:{ticket.resolved_at}"),
            ref=ticket.ref,
            stimulus="ev_close",
            fields={},
            rule="housekeeping",
            text=f"Quiet for {states.REOPEN_WITHIN.days} days.",
        )
        closed += 1
    return closed
