"""Marks causes that come and go, and lets their incidents stay open until they are stable."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from adapters.rows import now as clock
from audit.work import rows
from ethops.desk import numbers
from ethops.desk.flapping import Bounds, Change, Standing, stand, turns
from ethops.desk.models import Event, Flapping
from ethops.desk.seen import AUTHOR
from ethops.executor import tickets

NAMESPACE: Final = UUID("f2a0c1de-5d58-4f0e-8a74-0d2f3a9b7e10")
LOOK_BACK: Final = 2_000
"""So many events of a cause are looked at; more of them in a window are flapping anyway."""


def follow(cause: str, bounds: Bounds) -> None:
    """Derive whether a cause flaps after one more event of it; says so in its incident."""
    at = clock()
    standing = derive(cause, bounds, at)
    row = Flapping.objects.filter(cause_key=cause).first()
    marked = row is not None and row.until is None
    if standing.since is None or marked:
        return
    ref = _incident(cause)
    Flapping.objects.update_or_create(
        cause_key=cause, defaults={"ticket_ref": ref, "since": standing.since, "until": None}
    )
    if ref:
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, f"{cause}:{standing.since.isoformat()}:began"),
            ref=ref,
            rule=AUTHOR,
            text=f"Flapping: it came and went {bounds.changes} times within"
            f" {_minutes(bounds.window)}. This incident stays open until"
            f" it has been stable for {_minutes(bounds.calm)}.",
            tainted=False,
        )


def derive(cause: str, bounds: Bounds, at: datetime) -> Standing:
    """Return where a cause stands, from its events alone."""
    since = at - bounds.window - bounds.calm
    # From the last calm on nothing older counts, and a cause that never calms fills the window.
    found = Event.objects.filter(cause_key=cause, at__gt=since).order_by("-at")
    changes = [
        Change(event_at, f"{fingerprint} {starts_at}", status == "firing")
        for event_at, fingerprint, starts_at, status in found.values_list(
            "at", "fingerprint", "starts_at", "status"
        )[:LOOK_BACK]
    ]
    return stand(turns(changes), at, bounds)


def is_flapping(ticket_ref: str) -> bool:
    """Tell whether anything of a ticket flaps now."""
    return Flapping.objects.filter(ticket_ref=ticket_ref, until=None).exists()


def watch() -> int:
    """Unmark what is stable, and have its incident looked at; returns how many."""
    ended = 0
    for row in Flapping.objects.filter(until=None):
        with transaction.atomic():
            bounds = numbers.take_turn().flaps
            ended += _stable(row.cause_key, bounds)
    return ended


def _stable(cause: str, bounds: Bounds) -> bool:
    row = Flapping.objects.select_for_update().get(cause_key=cause)
    at = clock()
    if row.until is not None or _since(row, bounds, at) is not None:
        return False
    row.until = at
    row.save(update_fields=["until"])
    if row.ticket_ref:
        key = f"{cause}:{row.since.isoformat()}:ended"
        tickets.comment_by_rule(
            key=uuid5(NAMESPACE, key),
            ref=row.ticket_ref,
            rule=AUTHOR,
            text=f"Stable for {_minutes(bounds.calm)}: no longer flapping.",
            tainted=False,
        )
        rows.enqueue(
            kind="dispatch",
            subject=row.ticket_ref,
            payload={"ticket": row.ticket_ref, "why": "stable"},
            dedup=f"stable:{uuid5(NAMESPACE, key)}",
        )
    return True


def _since(row: Flapping, bounds: Bounds, at: datetime) -> datetime | None:
    """Return since when it flaps: marked once, it does until its calm, however few changes."""
    last = derive(row.cause_key, bounds, at).last
    return row.since if last is not None and at - last < bounds.calm else None


def _incident(cause: str) -> str:
    newest = Event.objects.filter(cause_key=cause).exclude(ticket_ref="").order_by("-at").first()
    return newest.ticket_ref if newest else ""


def _minutes(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
