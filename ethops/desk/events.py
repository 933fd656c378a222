"""From a stored delivery to events, and from events to incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from django.db import DatabaseError, transaction

from adapters import registry
from adapters.cmdb.port import Join
from adapters.errors import AdapterError
from adapters.tickets.port import Deed, Ticket, TicketDraft
from adapters.tickets.states import SETTLED
from audit.work import rows
from ethops.desk import alertmanager
from ethops.desk.alertmanager import Alert
from ethops.desk.classification import Classified, cause_key, classify
from ethops.desk.models import Delivery, Event
from ethops.executor import tickets

AUTHOR = "event management"
NAMESPACE = UUID("5d2c1a9e-6f0b-4b63-9a53-7e0f6f2b1c11")
URGENCY = {"critical": 1, "page": 1, "error": 2, "warning": 2}
FAR = timedelta(days=3650)
UNKNOWN_URGENCY = 2
UNKNOWN_IMPACT = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One alert with everything the desk found out about it."""

    alert: Alert
    join: Join
    cause: str
    classified: Classified


def read_delivery(delivery_id: int) -> None:
    """Turn a delivery into events; each alert is one transaction, and a repeat changes nothing."""
    delivery = Delivery.objects.get(pk=delivery_id)
    faults: list[Exception] = []
    for alert in alertmanager.parse(bytes(delivery.raw)).alerts:
        try:
            with transaction.atomic():
                _event(delivery, _seen(alert))
        except (DatabaseError, AdapterError) as fault:
            # The others of this delivery must not wait for the one that fails.
            faults.append(fault)
    if faults:
        raise ExceptionGroup(f"{len(faults)} alerts of delivery {delivery_id}", faults)
    Delivery.objects.filter(pk=delivery_id, state="stored").update(state="read")


def _seen(alert: Alert) -> Seen:
    join = registry.reader("cmdb").join(alert.labels)
    return Seen(
        alert=alert,
        join=join,
        cause=cause_key(alert.labels, join.ci_ref),
        classified=classify(alert.labels, firing=alert.firing),
    )


def _event(delivery: Delivery, seen: Seen) -> None:
    """Write the event, or count its repeat; act on what it means."""
    known = (
        Event.objects.select_for_update()
        .filter(
            fingerprint=seen.alert.fingerprint,
            starts_at=seen.alert.starts_at,
            status=_status(seen.alert),
        )
        .first()
    )
    if known is not None:
        known.repeats += 1
        known.last_at = delivery.last_at
        if seen.classified.meaning == "incident" and _outlived(known, delivery):
            known.decision, known.ticket_ref, known.reason = _open(seen, f"again{known.repeats}")
        known.save()
        return
    decision, ticket_ref, reason = _decide(seen)
    Event.objects.create(
        delivery=delivery,
        fingerprint=seen.alert.fingerprint,
        starts_at=seen.alert.starts_at,
        status=_status(seen.alert),
        labels=dict(seen.alert.labels),
        annotations=dict(seen.alert.annotations),
        joined=seen.join.result,
        ci_ref=seen.join.ci_ref or "",
        join_report=list(seen.join.report),
        cause_key=seen.cause,
        decision=decision,
        reason=reason,
        ticket_ref=ticket_ref,
    )


def _decide(seen: Seen) -> tuple[str, str, str]:
    """Return decision, ticket and reason of a new event."""
    if seen.classified.meaning == "information":
        return "dropped", "", seen.classified.reason
    if seen.classified.meaning == "recovery":
        return _ended(seen)
    return _open(seen, "first")


def _open(seen: Seen, occasion: str) -> tuple[str, str, str]:
    if _ended_before(seen.alert):
        return "ended", "", "the alert had ended before it was read"
    deed = tickets.open_incident(
        key=_key(seen.alert, occasion),
        draft=_draft(seen),
        facts={"fingerprint": seen.alert.fingerprint, "joined": seen.join.result},
    )
    if deed.outcome == "folded_into":
        return "folded", deed.ref, f"{deed.ref} is open for the same cause"
    _tell_dispatcher(deed)
    return "opened", deed.ref, seen.classified.reason


def _ended_before(alert: Alert) -> bool:
    """True where the end of this very episode was read before its beginning."""
    episode = {"fingerprint": alert.fingerprint, "starts_at": alert.starts_at}
    return Event.objects.filter(**episode, status="resolved").exists()


def _ended(seen: Seen) -> tuple[str, str, str]:
    ticket = registry.reader("tickets").find_open_by_cause(seen.cause)
    if ticket is None:
        return "ended", "", "no open incident of this cause"
    tickets.comment_by_rule(
        key=_key(seen.alert, "ended"),
        ref=ticket.ref,
        rule=AUTHOR,
        text="The alert has ended.",
        tainted=False,
    )
    rows.enqueue(
        kind="dispatch",
        subject=ticket.ref,
        payload={"ticket": ticket.ref, "why": "alert ended"},
        dedup=f"ended:{seen.alert.fingerprint}:{seen.alert.starts_at}",
    )
    return "ended", ticket.ref, "the alert has ended"


def _draft(seen: Seen) -> TicketDraft:
    labels, notes = seen.alert.labels, seen.alert.annotations
    ci = registry.reader("cmdb").get(seen.join.ci_ref) if seen.join.ci_ref else None
    name = notes.get("summary") or labels["alertname"]
    return TicketDraft(
        ticket_class="incident",
        title=name,
        description="\n".join(
            [notes.get("description", ""), "", *(f"Join: {line}" for line in seen.join.report)]
        ).strip(),
        impact=ci.impact if ci else UNKNOWN_IMPACT,
        urgency=URGENCY.get(labels.get("severity", "").lower(), UNKNOWN_URGENCY),
        author=AUTHOR,
        author_kind="rule",
        ci_refs=(ci.ref,) if ci else (),
        cause_key=seen.cause,
        first_bad_at=_moment(notes.get("first_bad_at", "")) or _moment(seen.alert.starts_at),
        detected_at=_moment(seen.alert.starts_at),
        tainted=True,
    )


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
    if not event.ticket_ref:
        return False
    ticket: Ticket = registry.reader("tickets").get(event.ticket_ref)
    settled = ticket.resolved_at or ticket.closed_at
    return ticket.state in SETTLED and settled is not None and delivery.last_at > settled


def _status(alert: Alert) -> str:
    return "firing" if alert.firing else "resolved"


def _key(alert: Alert, occasion: str) -> UUID:
    return uuid5(NAMESPACE, f"{alert.fingerprint}:{alert.starts_at}:{occasion}")


def _moment(text: str) -> datetime | None:
    """Return a time for show and arithmetic; keys always use the text as sent."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A time that no calendar of ours will see is a mistake or an attack; PostgreSQL would keep it.
    return found if abs(found - datetime.now(UTC)) < FAR else None


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
        "host": _named_host(event.labels),
    }


def _named_host(labels: Mapping[str, str]) -> str:
    """Return the host that an alert's labels name, as it is written there."""
    for label in ("host", "hostname", "node"):
        if labels.get(label):
            return labels[label][:200]
    name, _, port = labels.get("instance", "").rpartition(":")
    return (name if port.isdecimal() else labels.get("instance", ""))[:200]


def joined(ticket_ref: str) -> str:
    """Return how the ticket's alert was joined: joined, none or ambiguous."""
    event = Event.objects.filter(ticket_ref=ticket_ref).order_by("at").first()
    return event.joined if event else "none"
