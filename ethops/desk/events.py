"""From a stored delivery to events, and from events to incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import DatabaseError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery

from adapters import registry
from adapters.errors import AdapterError
from adapters.rows import now as clock
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.port import Deed, Ticket
from adapters.tickets.states import SETTLED
from audit.work import rows
from ethops.desk import (
    alertmanager,
    flaps,
    maintenance,
    numbers,
    relatives,
    reopening,
    storms,
)
from ethops.desk.alertmanager import Alert
from ethops.desk.classification import cause_key, classify
from ethops.desk.ground import Ground, of_seen
from ethops.desk.models import Delivery, Event, MaintenanceWindow
from ethops.desk.numbers import Numbers
from ethops.desk.seen import AUTHOR, Seen, draft, key
from ethops.desk.topology import host_named
from ethops.executor import tickets


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of an event."""

    decision: str
    ticket_ref: str = ""
    reason: str = ""
    window: MaintenanceWindow | None = None


def read_delivery(delivery_id: int) -> None:
    """Turn a delivery into events; each alert is one transaction, and a repeat changes nothing."""
    delivery = Delivery.objects.get(pk=delivery_id)
    told: list[Seen] = []
    faults: list[Exception] = []
    for alert in alertmanager.parse(bytes(delivery.raw)).alerts:
        try:
            told.append(seen(alert))
        except (DatabaseError, AdapterError) as fault:
            faults.append(fault)
    ground = Ground([of_seen(one) for one in told])
    for one in told:
        try:
            with transaction.atomic():
                _event(delivery, one, ground)
        except (DatabaseError, AdapterError) as fault:
            # The others of this delivery must not wait for the one that fails.
            faults.append(fault)
    if faults:
        first = f"{type(faults[0]).__name__}: {faults[0]}"
        raise ExceptionGroup(
            f"{len(faults)} alerts of delivery {delivery_id}, the first: {first}", faults
        )
    Delivery.objects.filter(pk=delivery_id, state="stored").update(state="read")


def seen(alert: Alert) -> Seen:
    """Return an alert with its CI, its cause and its meaning."""
    join = registry.reader("cmdb").join(alert.labels)
    return Seen(
        alert=alert,
        join=join,
        cause=cause_key(alert.labels, join.ci_ref),
        classified=classify(alert.labels, firing=alert.firing),
    )


def _event(delivery: Delivery, seen: Seen, ground: Ground) -> None:
    """Write the event, or count its repeat; act on what it means."""
    meaning = seen.classified.meaning
    if meaning == "informational":
        _write(delivery, seen, Decided("dropped", reason=seen.classified.reason))
        return
    said = numbers.take_turn()
    known = _known(seen)
    if known is None:
        decided = _ended(seen) if meaning == "recovery" else _called(seen, ground, said, "first")
        _write(delivery, seen, decided)
        flaps.follow(seen.cause, said.flaps)
        return
    _repeated(known, delivery)
    if meaning != "recovery" and (_outlived(known, delivery) or known.decision == "suppressed"):
        decide_again(known, seen, ground, said)


def _known(seen: Seen) -> Event | None:
    return (
        Event.objects.select_for_update()
        .filter(
            fingerprint=seen.alert.fingerprint,
            starts_at=seen.alert.starts_at,
            status=_status(seen.alert),
        )
        .first()
    )


def _repeated(known: Event, delivery: Delivery) -> None:
    known.repeats += 1
    known.last_at = delivery.last_at
    known.save(update_fields=["repeats", "last_at"])


def _write(delivery: Delivery, seen: Seen, decided: Decided) -> None:
    if decided.decision == "dropped" and (known := _known(seen)) is not None:
        _repeated(known, delivery)
        return
    Event.objects.create(
        delivery=delivery,
        fingerprint=seen.alert.fingerprint,
        starts_at=seen.alert.starts_at,
        status=_status(seen.alert),
        labels=dict(seen.alert.labels),
        annotations=dict(seen.alert.annotations),
        joined=seen.join.result,
        ci_ref=seen.ci_ref,
        join_report=list(seen.join.report),
        cause_key=seen.cause,
        meaning=seen.classified.meaning,
        decision=decided.decision,
        reason=decided.reason,
        ticket_ref=decided.ticket_ref,
        window=decided.window,
    )


def decide_again(event: Event, seen: Seen, ground: Ground, said: Numbers) -> Decided:
    """Decide anew about an event that still stands; run within a turn."""
    decided = _called(seen, ground, said, f"again{event.repeats}")
    event.decision, event.ticket_ref = decided.decision, decided.ticket_ref
    event.reason = decided.reason
    # Which window held it back stays known once it is an incident.
    event.window = decided.window or event.window
    event.save(update_fields=["decision", "ticket_ref", "reason", "window"])
    return decided


def _called(seen: Seen, ground: Ground, said: Numbers, occasion: str) -> Decided:
    """Return what becomes of an alert that asks for action."""
    if _ended_before(seen.alert):
        return Decided("ended", reason="the alert had ended before it was read")
    if registry.reader("tickets").find_open_by_cause(seen.cause) is not None:
        return _opened(seen, occasion)
    topology = ground.around([of_seen(seen)])
    place = topology.place_of(seen.alert.labels, seen.ci_ref)
    window = maintenance.covering(seen.alert.labels, place, topology, clock())
    if window is not None:
        return Decided("suppressed", reason=maintenance.sentence(window), window=window)
    ref, why = storms.belongs_to(seen, ground, said)
    if ref:
        return Decided("folded", ref, why)
    ref = reopening.reopen(cause=seen.cause, key=key(seen.alert, occasion), within=said.reopen)
    if ref:
        return Decided("reopened", ref, f"{ref} of the same cause was resolved a short while ago")
    ref, why = relatives.greater(seen, ground, said)
    if ref:
        return Decided("folded", ref, why)
    decided = _opened(seen, occasion)
    relatives.adopt(decided.ticket_ref, seen, ground, said)
    return decided


def _opened(seen: Seen, occasion: str) -> Decided:
    deed = tickets.open_incident(
        key=key(seen.alert, occasion),
        draft=draft(seen),
        facts={"fingerprint": seen.alert.fingerprint, "joined": seen.join.result},
    )
    if deed.outcome == "folded_into":
        return Decided("folded", deed.ref, f"{deed.ref} is open for the same cause")
    _tell_dispatcher(deed)
    return Decided("opened", deed.ref, seen.classified.reason)


def _ended_before(alert: Alert) -> bool:
    """True where the end of this very episode was read before its beginning."""
    return _episode(alert).filter(status="resolved").exists()


def _episode(alert: Alert) -> QuerySet[Event]:
    return Event.objects.filter(fingerprint=alert.fingerprint, starts_at=alert.starts_at)


def _ended(seen: Seen) -> Decided:
    """Return what becomes of the end of an alert; its incident is told once nothing fires."""
    ref = _ticket_of(seen)
    if not ref:
        return Decided("ended", reason="no open incident of this cause")
    episode = _episode(seen.alert).values("pk")
    if standing(ref).exclude(pk__in=episode).exists() or flaps.is_flapping(ref):
        return Decided("ended", ref, "it has ended; others of this incident have not, or it flaps")
    tickets.comment_by_rule(
        key=key(seen.alert, "ended"),
        ref=ref,
        rule=AUTHOR,
        text="The alert has ended.",
        tainted=False,
    )
    rows.enqueue(
        kind="dispatch",
        subject=ref,
        payload={"ticket": ref, "why": "alert ended"},
        dedup=f"ended:{seen.alert.fingerprint}:{seen.alert.starts_at}",
    )
    return Decided("ended", ref, "the alert has ended")


def _ticket_of(seen: Seen) -> str:
    """Return the open incident that an alert belongs to: of its cause, or the one it went into."""
    own = registry.reader("tickets").find_open_by_cause(seen.cause)
    if own is not None:
        return own.ref
    began = _episode(seen.alert).filter(status="firing").exclude(ticket_ref="").first()
    ticket = _ticket(began.ticket_ref) if began else None
    return ticket.ref if ticket and ticket.state not in SETTLED else ""


def standing(ticket_ref: str) -> QuerySet[Event]:
    """Return the alerts of a ticket that began and have not ended.

    An alert that Alertmanager tells anew after both it and Prometheus were restarted begins later
    than it did before: its end is the end of the older beginning, too.
    """
    return Event.objects.filter(~Exists(_ENDS), ticket_ref=ticket_ref, status="firing")


_ENDS: Final = Event.objects.filter(
    fingerprint=OuterRef("fingerprint"), starts_at__gte=OuterRef("starts_at"), status="resolved"
)
"""The ends of an event, whether or not its incident was open when they came."""


def all_ended(ticket_ref: str) -> bool:
    """Tell whether every alert of a ticket has ended, and none of them comes and goes."""
    return (
        Event.objects.filter(ticket_ref=ticket_ref, status="firing").exists()
        and not standing(ticket_ref).exists()
        and not flaps.is_flapping(ticket_ref)
    )


def ended_at(ticket_ref: str) -> datetime | None:
    """Return when the last of a ticket's alerts was first said to have ended."""
    began = Event.objects.filter(ticket_ref=ticket_ref, status="firing")
    ended = began.annotate(ended=Subquery(_ENDS.order_by("at").values("at")[:1]))
    last: datetime | None = ended.aggregate(at=Max("ended"))["at"]
    return last


def _tell_dispatcher(deed: Deed) -> None:
    rows.enqueue(
        kind="dispatch",
        subject=deed.ref,
        payload={"ticket": deed.ref, "why": "opened"},
        dedup=f"opened:{deed.ref}",
        priority=3,
    )


def _outlived(event: Event, delivery: Delivery) -> bool:
    """True where the alert still fires although its incident was settled before this delivery."""
    ticket = _ticket(event.ticket_ref) if event.ticket_ref else None
    if ticket is None:
        return False
    settled = ticket.resolved_at or ticket.closed_at
    return ticket.state in SETTLED and settled is not None and delivery.last_at > settled


def _ticket(ref: str) -> Ticket | None:
    try:
        return registry.reader("tickets").get(ref)
    except TicketNotFoundError:
        return None


def _status(alert: Alert) -> str:
    return "firing" if alert.firing else "resolved"


def facts(ticket_ref: str) -> Mapping[str, str]:
    """Return what a run is told about the alert behind a ticket; all of it is untrusted text."""
    event = Event.objects.filter(ticket_ref=ticket_ref, status="firing").order_by("at").first()
    if event is None:
        return {}
    return {
        "name": event.labels.get("alertname", ""),
        "severity": event.labels.get("severity", ""),
        "symptom": event.annotations.get("symptom") or event.labels.get("symptom", ""),
        "summary": event.annotations.get("summary", "")[:300],
        "description": event.annotations.get("description", "")[:600],
        "host": host_named(event.labels)[:200],
    }


def joined(ticket_ref: str) -> str:
    """Return how the ticket's alert was joined: joined, none or ambiguous."""
    event = Event.objects.filter(ticket_ref=ticket_ref).order_by("at").first()
    return event.joined if event else "none"
