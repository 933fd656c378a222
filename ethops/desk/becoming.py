"""What time makes of events: a window ends, a storm settles, what came and went is stable."""

import logging

from django.db import DatabaseError, transaction

from adapters.errors import AdapterError
from adapters.rows import now as clock
from ethops.desk import events, flaps, numbers, silencing, storms
from ethops.desk.alertmanager import Alert
from ethops.desk.ground import Ground
from ethops.desk.models import Event, MaintenanceWindow

log = logging.getLogger(__name__)


def watch() -> None:
    """Look after all of them."""
    flaps.watch()
    silencing.watch()
    close_windows()
    storms.watch()


def close_windows() -> int:
    """Open incidents for what still stands where a window has ended; returns how many alerts.

    Each alert is decided in its own transaction, and the window is closed when none is left: who is
    killed in between goes on.
    """
    opened = 0
    for window in MaintenanceWindow.objects.filter(closed_at=None, ends_at__lte=clock()):
        ground = Ground()
        faults = 0
        for event_id in _held_by(window):
            try:
                with transaction.atomic():
                    opened += _still_stands(event_id, ground)
            except (DatabaseError, AdapterError) as fault:
                faults += 1
                log.warning("event %s that %s held back: %s", event_id, window, fault)
        if not faults:
            MaintenanceWindow.objects.filter(pk=window.pk).update(closed_at=clock())
    return opened


def _held_by(window: MaintenanceWindow) -> list[int]:
    """Return the alerts that a window holds back still, oldest first."""
    held = Event.objects.filter(window=window, decision="suppressed", status="firing")
    return list(held.order_by("at").values_list("pk", flat=True))


def _still_stands(event_id: int, ground: Ground) -> bool:
    said = numbers.take_turn()
    event = Event.objects.select_for_update().get(pk=event_id)
    if event.decision != "suppressed":
        return False
    alert = Alert(
        event.fingerprint,
        event.starts_at,
        firing=True,
        labels=event.labels,
        annotations=event.annotations,
    )
    decided = events.decide_again(event, events.seen(alert), ground, said)
    return decided.decision in {"opened", "folded", "reopened"}
