"""Writes down since when incidents are well, while their probes' looks are still there.

Well for a whole window without a break: a service that came up and fell again was not restored.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from adapters import registry
from adapters.tickets.models import Deed, Ticket
from audit.ledger import pending
from ethops.desk.models import Event
from ethops.figures.models import Restoration
from personas import queries
from personas.models import Action

LOOK_BACK: Final = timedelta(days=30)
"""An incident that was opened longer ago, and was never seen well, stays unseen."""
AT_ONCE: Final = 500
WINDOW: Final = timedelta(seconds=60)
"""Where no entry of the catalogue that was used says more."""


def watch() -> int:
    """Note what has been well for its window; returns how many incidents those are."""
    now = datetime.now(UTC)
    return sum(_note(ticket, now) for ticket in _unseen(now))


def _unseen(now: datetime) -> list[Ticket]:
    """Return incidents of which nobody has seen yet that they are well, the newest first."""
    seen = Restoration.objects.filter(ticket_ref=OuterRef("ref"), episode=OuterRef("reopens"))
    rows = Ticket.objects.filter(
        ~Exists(seen),
        ticket_class="incident",
        first_bad_at__isnull=False,
        opened_at__gt=now - LOOK_BACK,
    )
    return list(rows.prefetch_related("cis").order_by("-opened_at")[:AT_ONCE])


def _note(ticket: Ticket, now: datetime) -> bool:
    ill_at = _ill_at(ticket)
    if ill_at is None:
        return False
    well_from, source = _by_probes(ticket), "probes"
    if well_from is None or well_from <= ill_at:
        # None of its probes saw it: what told of it says when it is over.
        well_from, source = _by_alert(ticket) if _unprobed(ticket, well_from) else None, "alert"
    if well_from is None or well_from <= ill_at:
        return False
    window = _window(ticket)
    if now - well_from < window:
        return False
    return _write(ticket, well_from, window, source)


def _ill_at(ticket: Ticket) -> datetime | None:
    """Return when it was last known to be ill: at the first bad sample, or opened again."""
    if not ticket.reopens:
        return ticket.first_bad_at
    again = Deed.objects.filter(ticket=ticket, stimulus="ev_reopen")
    last: datetime | None = again.aggregate(at=Max("at"))["at"]
    return last


def _by_probes(ticket: Ticket) -> datetime | None:
    """Return since when all CIs are well; None where one is not, or is not looked at."""
    reader = registry.reader("monitoring")
    since = [reader.well_since(one.ci_ref) for one in ticket.cis.all()]
    known = [at for at in since if at is not None]
    return max(known) if known and len(known) == len(since) else None


def _unprobed(ticket: Ticket, well_from: datetime | None) -> bool:
    """Tell whether our probes have nothing to say about it."""
    if well_from is not None:
        return True
    reader = registry.reader("monitoring")
    return not any(reader.probes_of(one.ci_ref) for one in ticket.cis.all())


def _by_alert(ticket: Ticket) -> datetime | None:
    """Return when the last of its alerts ended; None where one fires, or there was none."""
    episodes: dict[tuple[str, str], tuple[str, datetime]] = {}
    rows = Event.objects.filter(ticket_ref=ticket.ref).order_by("at")
    for fingerprint, starts_at, status, at in rows.values_list(
        "fingerprint", "starts_at", "status", "at"
    ):
        episodes[fingerprint, starts_at] = (status, at)
    if not episodes or any(status == "firing" for status, _ in episodes.values()):
        return None
    return max(at for _, at in episodes.values())


def _window(ticket: Ticket) -> timedelta:
    """Return how long it must stay well: what the entries that were used on it say."""
    used = Action.objects.filter(
        ticket_ref=ticket.ref, verb="playbook.run", verdict="authorised", outcome="done"
    ).values_list("entry", flat=True)
    return max((timedelta(seconds=queries.window_of(entry)) for entry in set(used)), default=WINDOW)


@transaction.atomic
def _write(ticket: Ticket, well_from: datetime, window: timedelta, source: str) -> bool:
    _, is_new = Restoration.objects.get_or_create(
        ticket_ref=ticket.ref,
        episode=ticket.reopens,
        defaults={
            "well_from": well_from,
            "window_s": int(window.total_seconds()),
            "source": source,
        },
    )
    if is_new:
        pending.note(
            kind="ticket.restored",
            subject=ticket.ref,
            ticket_ref=ticket.ref,
            body={
                "episode": ticket.reopens,
                "well_from": well_from.isoformat(),
                "window_s": int(window.total_seconds()),
                "source": source,
            },
        )
    return is_new
