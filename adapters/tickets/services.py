"""Verbs that write the embedded desk's rows; each call is one effect and its deed."""

from typing import cast
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from adapters.rows import now
from adapters.text import one_line, plain
from adapters.tickets import models, port, states
from adapters.tickets.errors import DraftRefusedError, FieldMissingError, TicketNotFoundError
from adapters.tickets.priority import priority

ONE_PER_CAUSE = "ticket_one_open_incident_per_cause"
TEXT_LIMIT = 20_000
_PREFIX = {"incident": "INC", "change": "CHG"}
_REF_SEQUENCE = {"incident": "tickets_incident_ref", "change": "tickets_change_ref"}


def open_ticket(*, key: UUID, draft: port.TicketDraft) -> port.Deed:
    """Open a ticket or fold the draft in; run inside a transaction."""
    cause = draft.cause_key
    if cause is not None and (not cause or cause != one_line(cause, 200)):
        raise DraftRefusedError("A cause key is one plain line of 1 to 200 characters.")
    ticket = _fold(draft) or _create(draft)
    if ticket is None:
        # Another process opened the same cause between the two statements.
        ticket = _fold(draft)
    if ticket is None:
        raise IntegrityError(f"cause {draft.cause_key!r} is neither free nor taken")
    if ticket.repeats:
        return _deed(key, "open", "folded_into", ticket, None)
    note = port.Note(
        f"Opened as {ticket.priority}.",
        draft.author,
        draft.author_kind,
        action_id=draft.action_id,
        tainted=draft.tainted,
    )
    return _deed(key, "open", "opened", ticket, _line(ticket, note))


def comment(*, key: UUID, ref: str, note: port.Note) -> port.Deed:
    """Append a line; run inside a transaction."""
    ticket = _locked(ref)
    return _deed(key, "comment", "commented", ticket, _line(ticket, note))


def move_ticket(
    *, key: UUID, ref: str, stimulus: str, fields: port.TicketFields, note: port.Note
) -> port.Deed:
    """Move a ticket, set fields and append a line; run inside a transaction."""
    ticket = _locked(ref)
    before = ticket.state
    ticket_class = cast("port.TicketClass", ticket.ticket_class)
    ticket.state = states.move(ticket_class, before, stimulus)
    _set_fields(ticket, fields)
    needed = states.NEEDS.get(stimulus)
    if needed and not getattr(ticket, needed):
        raise FieldMissingError(f"{stimulus} of {ref} needs a {needed}.")
    _set_times(ticket, before)
    ticket.save()
    if not note.text.strip():
        note = port.Note(
            f"Moved from {before} to {ticket.state}.",
            note.author,
            note.author_kind,
            note.visibility,
            note.action_id,
        )
    return _deed(key, "move", "moved", ticket, _line(ticket, note), stimulus)


def find_deed(key: UUID) -> port.Deed | None:
    """Return what was done under this key."""
    row = models.Deed.objects.filter(key=key).first()
    return _as_port(row) if row else None


def violates(error: IntegrityError, constraint: str) -> bool:
    """Tell whether the database refused because of this constraint."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == constraint


def _fold(draft: port.TicketDraft) -> models.Ticket | None:
    """Count the draft on the open incident of its cause, if there is one."""
    if draft.cause_key is None or draft.ticket_class != "incident":
        return None
    open_incident = models.Ticket.objects.filter(
        ticket_class="incident", cause_key=draft.cause_key
    ).exclude(state__in=states.SETTLED)
    if not open_incident.update(repeats=F("repeats") + 1, updated_at=Now()):
        return None
    return open_incident.first()


def _create(draft: port.TicketDraft) -> models.Ticket | None:
    """Insert the ticket; None where the cause was taken meanwhile."""
    title = one_line(draft.title, 200)
    if not title:
        raise DraftRefusedError("A ticket needs a title.")
    if draft.parent_ref and not models.Ticket.objects.filter(ref=draft.parent_ref).exists():
        raise TicketNotFoundError(f"No ticket {draft.parent_ref!r} to be the parent of another.")
    ticket = models.Ticket(
        ref=_next_ref(draft.ticket_class),
        ticket_class=draft.ticket_class,
        title=title,
        description=plain(draft.description, TEXT_LIMIT),
        state=states.INITIAL,
        impact=draft.impact,
        urgency=draft.urgency,
        priority=_priority(draft.impact, draft.urgency),
        team=one_line(draft.team, 64),
        cause_key=draft.cause_key,
        parent_id=draft.parent_ref,
        repeats=0,
        first_bad_at=draft.first_bad_at,
        detected_at=draft.detected_at,
    )
    try:
        with transaction.atomic():
            ticket.save(force_insert=True)
    except IntegrityError as error:
        if violates(error, ONE_PER_CAUSE):
            return None
        raise
    models.TicketCI.objects.bulk_create(
        models.TicketCI(ticket=ticket, ci_ref=ci_ref) for ci_ref in dict.fromkeys(draft.ci_refs)
    )
    return ticket


def _next_ref(ticket_class: port.TicketClass) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [f"public.{_REF_SEQUENCE[ticket_class]}"])
        row = cursor.fetchone()
    return f"{_PREFIX[ticket_class]}-{row[0]:05d}"


def _locked(ref: str) -> models.Ticket:
    """Return the ticket with its row locked, so that its lines are numbered in turn."""
    ticket = models.Ticket.objects.select_for_update().filter(ref=ref).first()
    if ticket is None:
        raise TicketNotFoundError(f"No ticket {ref!r}.")
    return ticket


def _set_fields(ticket: models.Ticket, fields: port.TicketFields) -> None:
    ticket.team = one_line(fields.get("team", ticket.team), 64)
    ticket.assignee = one_line(fields.get("assignee", ticket.assignee), 150)
    ticket.solution = plain(fields.get("solution", ticket.solution), TEXT_LIMIT)
    ticket.impact = fields.get("impact", ticket.impact)
    ticket.urgency = fields.get("urgency", ticket.urgency)
    ticket.priority = _priority(ticket.impact, ticket.urgency)


def _set_times(ticket: models.Ticket, before: str) -> None:
    at = now()
    if ticket.state == "assigned" and ticket.assigned_at is None:
        ticket.assigned_at = at
    if ticket.state == "closed":
        ticket.closed_at = at
    elif not states.is_open(ticket.state):
        ticket.resolved_at = at
    elif not states.is_open(before):
        ticket.resolved_at = None
    ticket.updated_at = at


def _priority(impact: int, urgency: int) -> port.Priority:
    try:
        return priority(impact, urgency)
    except ValueError as error:
        raise DraftRefusedError(f"{error}.") from error


def _line(ticket: models.Ticket, note: port.Note) -> int:
    text = plain(note.text, TEXT_LIMIT)
    if not text:
        raise DraftRefusedError(f"An empty line for {ticket.ref}.")
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


def _deed(
    key: UUID,
    verb: port.Verb,
    outcome: port.Outcome,
    ticket: models.Ticket,
    line: int | None,
    stimulus: str = "",
) -> port.Deed:
    row = models.Deed.objects.create(
        key=key,
        verb=verb,
        outcome=outcome,
        ticket=ticket,
        state=ticket.state,
        stimulus=stimulus,
        line=line,
        at=now(),
    )
    return _as_port(row)


def _as_port(row: models.Deed) -> port.Deed:
    return port.Deed(
        key=row.key,
        verb=cast("port.Verb", row.verb),
        outcome=cast("port.Outcome", row.outcome),
        ref=row.ticket_id,
        state=row.state,
        line=row.line,
        at=row.at,
    )
