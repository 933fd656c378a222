"""Handing over the bodies that alert states owe, each at least once and in order."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from adapters.monitoring.models import AlertState
from adapters.monitoring.port import Deliver

REPEAT: Final = timedelta(seconds=60)
"""How often a firing alert is delivered again, as Alertmanager does for those who missed it."""


def deliver_owed(*, deliver: Deliver) -> int:
    """Hand over owed bodies, oldest first; each is unmarked in the transaction around it."""
    _owe_repeats()
    delivered = 0
    while _deliver_one(deliver):
        delivered += 1
    return delivered


def _deliver_one(deliver: Deliver) -> bool:
    with transaction.atomic():
        state = (
            AlertState.objects.select_for_update(skip_locked=True)
            .exclude(owed=[])
            .order_by("probe_id")
            .first()
        )
        if state is None:
            return False
        deliver(state.owed[0].encode())
        state.owed = state.owed[1:]
        state.delivered_at = Now()
        state.save(update_fields=["owed", "delivered_at"])
    return True


def _owe_repeats() -> None:
    """Owe a firing alert's body again, byte for byte, once a minute, whatever the clock did."""
    due = AlertState.objects.select_for_update(skip_locked=True).filter(
        Q(delivered_at__lte=Now() - REPEAT) | Q(delivered_at__gt=Now() + REPEAT),
        status="firing",
        owed=[],
        probe__retired=False,
    )
    with transaction.atomic():
        for state in due:
            state.owed = [state.body]
            state.save(update_fields=["owed"])
