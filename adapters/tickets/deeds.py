"""What every verb on tickets does: lock the ticket, write its line, keep the deed by its key."""

from typing import TypeAlias, cast
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Max

from adapters.rows import now
from adapters.text import one_line, plain
from adapters.tickets import models, port
from adapters.tickets.errors import DraftRefusedError, TicketNotFoundError
from adapters.tickets.fields import TEXT
from adapters.tickets.rights import is_too_near, roles_of

Details: TypeAlias = models.Problem | models.Change | models.Request | None


def locked(ref: str) -> models.Ticket:
    """Return the ticket with its row locked, so that its lines are numbered in turn.

    Raises:
        TicketNotFoundError: no ticket has this ref.
    """
    ticket = models.Ticket.objects.select_for_update().filter(ref=ref).first()
    if ticket is None:
        raise TicketNotFoundError(f"No ticket {ref!r}.")
    return ticket


def details_of(ticket: models.Ticket) -> Details:
    """Return the row of its class beside a ticket; an incident has none."""
    if ticket.ticket_class == "problem":
        return models.Problem.objects.get(ticket=ticket)
    if ticket.ticket_class == "change":
        return models.Change.objects.get(ticket=ticket)
    if ticket.ticket_class == "request":
        return models.Request.objects.get(ticket=ticket)
    return None


def variant_of(details: Details) -> str:
    """Return what a ticket's class comes as."""
    if isinstance(details, models.Change):
        return details.change_type
    if isinstance(details, models.Request):
        return "with_approver" if details.approver_role else "plain"
    return ""


def opener_of(ticket: models.Ticket) -> str:
    """Return the person who filed a ticket; nobody where a rule did."""
    first = models.LogLine.objects.filter(ticket=ticket, n=1, author_kind="person").first()
    return first.author if first else ""


def roles_in(
    ticket: models.Ticket, details: Details, who: str, kind: port.AuthorKind, vouched: port.Vouched
) -> frozenset[port.Role]:
    """Return what somebody is with regard to a ticket."""
    return roles_of(
        who,
        kind,
        vouched,
        requester=ticket.requester,
        approver_role=details.approver_role if isinstance(details, models.Request) else "",
    )


def stands_near(ticket: models.Ticket, details: Details, who: str) -> bool:
    """Tell whether somebody would approve what he asked for, filed, or is to do."""
    return is_too_near(
        who,
        requester=ticket.requester,
        opener=opener_of(ticket),
        implementer=details.implementer if isinstance(details, models.Change) else "",
    )


def line(ticket: models.Ticket, note: port.Note) -> int:
    """Append a line to the worklog of a locked ticket; returns its number.

    Raises:
        DraftRefusedError: it says nothing.
    """
    text = plain(note.text, TEXT)
    if not text:
        raise DraftRefusedError(f"An empty line for {ticket.ref}.", {"text": "Say something."})
    last = models.LogLine.objects.filter(ticket=ticket).aggregate(last=Max("n"))["last"] or 0
    models.LogLine.objects.create(
        ticket=ticket,
        n=last + 1,
        author=one_line(note.author, 150),
        author_kind=note.author_kind,
        visibility=note.visibility,
        text=text,
        action_id=note.action_id,
        tainted=note.tainted,
        at=now(),
    )
    return int(last) + 1


def deed(
    key: UUID,
    verb: port.Verb,
    outcome: port.Outcome,
    ticket: models.Ticket,
    n: int | None,
    stimulus: str = "",
) -> port.Deed:
    """Keep what was done under a key."""
    row = models.Deed.objects.create(
        key=key,
        verb=verb,
        outcome=outcome,
        ticket=ticket,
        state=ticket.state,
        stimulus=stimulus,
        line=n,
        at=now(),
    )
    return as_port(row)


def find(key: UUID) -> port.Deed | None:
    """Return what was done under a key."""
    row = models.Deed.objects.filter(key=key).first()
    return as_port(row) if row else None


def as_port(row: models.Deed) -> port.Deed:
    """Return a deed as the contract has it."""
    return port.Deed(
        key=row.key,
        verb=cast("port.Verb", row.verb),
        outcome=cast("port.Outcome", row.outcome),
        ref=row.ticket_id,
        state=row.state,
        line=row.line,
        at=row.at,
    )


def violates(error: IntegrityError, constraint: str) -> bool:
    """Tell whether the database refused because of this constraint."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == constraint
