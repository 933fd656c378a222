"""A ticket that was born in iTop gets a row of ours, so that everybody here reads it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, connection, transaction

from adapters.rows import now
from adapters.text import one_line
from adapters.tickets import deeds, models, opening, port
from adapters.tickets.itop import absorb, marks, words
from adapters.tickets.itop.client import Found
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.names import Names
from adapters.tickets.priority import priority

OURS: Final[Mapping[str, tuple[port.TicketClass, str]]] = {
    theirs: ours for ours, theirs in words.CLASSES.items() if ours != ("request", "with_approver")
}
"""iTop's class -> ours; who approves a request there we do not know, and so not here."""

WITH_CIS: Final = frozenset({"Incident", "UserRequest"})
MOST_CIS: Final = 50
ONCE: Final = "mirrored_object_once"


def whose(fields: Mapping[str, Any]) -> tuple[UUID, str] | None:
    """Return the key in an object's description and the ref of the ticket that was opened by it.

    The ref is empty where no ticket was: the transaction that opens it may still be under way, or
    somebody has copied a mark. None where there is no mark.
    """
    keys = marks.keys_in(str(fields.get("description", "")))
    if not keys:
        return None
    deed = models.Deed.objects.filter(key=keys[-1], verb="open").first()
    return keys[-1], deed.ticket_id if deed else ""


def is_waited_for(fields: Mapping[str, Any]) -> bool:
    """Tell whether the object is the one that a ticket of ours was opened as, and looks for."""
    found = whose(fields)
    if found is None or not found[1]:
        return False
    return Mirrored.objects.filter(ticket_id=found[1], itop_id=None).exists()


def adopt(found: Found, names: Names, ci_names: Iterable[str]) -> Mirrored | None:
    """Make our rows of an object of iTop's; None where somebody else has just made them."""
    try:
        with transaction.atomic():
            return _adopted(found, names, ci_names)
    except IntegrityError as error:
        if not deeds.violates(error, ONCE):
            raise
        return None


def _adopted(found: Found, names: Names, ci_names: Iterable[str]) -> Mirrored:
    ticket_class, variant = OURS[found.itop_class]
    fields = found.fields
    ticket = _ticket(ticket_class, fields)
    mirrored = Mirrored.objects.create(
        ticket=ticket,
        itop_class=found.itop_class,
        itop_id=found.id,
        itop_ref=one_line(str(fields.get("ref", "")), 64),
    )
    _beside(ticket, variant, fields, names)
    models.TicketCI.objects.bulk_create(
        models.TicketCI(ticket=ticket, ci_ref=one_line(name, 64))
        for name in list(dict.fromkeys(ci_names))[:MOST_CIS]
        if name
    )
    said = f"Opened in iTop as {mirrored.itop_ref or found.id}."
    n = deeds.line(ticket, port.Note(said, absorb.AUTHOR, "rule", tainted=True))
    key = uuid5(absorb.NAMESPACE, f"born:{found.itop_class}:{found.id}:{ticket.ref}")
    deeds.deed(key, "open", "opened", ticket, n)
    lines = absorb.take_lines(mirrored, fields, None)
    ticket = deeds.locked(ticket.ref)
    theirs = words.STATES[found.itop_class].get(str(fields.get("status")), ticket.state)
    absorb.settle(ticket, theirs)
    absorb.keep(mirrored, fields, names)
    absorb.tell(mirrored, "born", ticket, absorb.Absorbed("", ticket.state, (), lines))
    return mirrored


def _ticket(ticket_class: port.TicketClass, fields: Mapping[str, Any]) -> models.Ticket:
    impact = str(fields.get("impact", ""))
    ticket = models.Ticket(
        ref=opening.next_ref(ticket_class),
        ticket_class=ticket_class,
        # A text in changes, which iTop gives no urgency either.
        impact=int(impact) if impact in {"1", "2", "3"} else 3,
        urgency=words.SEEN_AS.get(str(fields.get("urgency", "")), 3),
        title=one_line(marks.said(str(fields.get("title", ""))), 200) or "untitled",
        description=marks.read(str(fields.get("description", ""))),
        team=one_line(str(fields.get("team_name") or ""), 64),
        solution=marks.read(str(fields.get("solution") or "")),
        state="new",
        # Who calls in iTop is a name there and no login here: nobody is taken for somebody.
        requester="",
        repeats=0,
        reopens=0,
        detected_at=now(),
    )
    ticket.priority = priority(ticket.impact, ticket.urgency)
    ticket.save(force_insert=True)
    return deeds.locked(ticket.ref)


def _beside(ticket: models.Ticket, variant: str, fields: Mapping[str, Any], names: Names) -> None:
    """Write the row of its class, and who has it."""
    if names.is_us(fields.get("agent_id")):
        ticket.team = absorb.OURS
    else:
        ticket.assignee = one_line(str(fields.get(words.AGENT) or ""), 150)
    ticket.save()
    if ticket.ticket_class == "problem":
        models.Problem.objects.create(ticket=ticket)
    elif ticket.ticket_class == "change":
        begins, ends = (names.read_moment(fields.get(one)) for one in ("start_date", "end_date"))
        sound = begins is not None and ends is not None and begins < ends
        models.Change.objects.create(
            ticket=ticket,
            change_type=variant,
            reason=ticket.title,
            planned_start=begins if sound else None,
            planned_end=ends if sound else None,
        )
    elif ticket.ticket_class == "request":
        models.Request.objects.create(ticket=ticket, model_id=_model(), answers={})


def _model() -> str:
    """Return the item of the catalogue for what was asked for elsewhere; nobody is offered it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.itop_request_model()")
        return str(cursor.fetchone()[0])
