"""Verbs that write the embedded desk's rows; each call is one effect and its deed.

Whoever calls, by whatever door: `move_ticket` alone decides whether a move is made, from the
table in `states`, the author's kind, and what the door vouches for.
"""

from typing import Final, cast
from uuid import UUID

from adapters.rows import now
from adapters.tickets import deeds, models, port, states
from adapters.tickets.errors import (
    CameBackError,
    DraftRefusedError,
    FieldMissingError,
    HeldError,
    MoveRefusedError,
    NotAllowedError,
    NotIndependentError,
    RecurrenceUnknownError,
    StepsOpenError,
    TicketNotFoundError,
    TooLateError,
)
from adapters.tickets.fields import Value, missing, read_all
from adapters.tickets.form_fields import FIELDS
from adapters.tickets.priority import priority

LINKED: Final = {
    "caused_by": (("incident",), "problem"),
    "solved_by": (("incident", "problem"), "change"),
    "follows": (("incident",), "change"),
}
"""Kind of a link -> the classes it leads from, and the class it leads to."""

SETS: Final = {"ev_finish": "successful", "ev_fail": "failed", "ev_cancel": "cancelled"}
"""Stimulus -> what came of a change, where the move does not say."""

CLAIMS: Final = "ev_assign"

EARLY: Final = "nobody can say yet whether it stays away"
ALONE: Final = "One person operates this house: this approval is not independent."


def comment(*, key: UUID, ref: str, note: port.Note) -> port.Deed:
    """Append a line; run inside a transaction."""
    ticket = deeds.locked(ref)
    return deeds.deed(key, "comment", "commented", ticket, deeds.line(ticket, note))


def move_ticket(
    *,
    key: UUID,
    ref: str,
    stimulus: str,
    fields: port.TicketFields,
    note: port.Note,
    vouched: port.Vouched,
) -> port.Deed:
    """Move a ticket, set fields and append a line; run inside a transaction."""
    ticket = deeds.locked(ref)
    if vouched.holder not in {None, ticket.assignee}:
        raise HeldError(ref, ticket.assignee)
    details = deeds.details_of(ticket)
    before = ticket.state
    roles = _roles(ticket, details, note, vouched)
    found = states.move(_class_of(ticket), before, stimulus, roles, deeds.variant_of(details))
    said = _independent(ticket, details, found, note, vouched)
    if found.by & roles == {"requester"}:
        _in_time(ticket, stimulus)
    _set_fields(ticket, details, found, fields)
    said = said or _may_end(ticket, stimulus, note, vouched)
    ticket.state = found.to
    _consequences(ticket, details, stimulus, before, note.author)
    set_times(ticket, before)
    ticket.save()
    if details is not None:
        details.save()
    line = _line_of(note, said, f"Moved from {before} to {ticket.state}.".replace("_", " "))
    return deeds.deed(key, "move", "moved", ticket, deeds.line(ticket, line), stimulus)


def claim(
    *,
    key: UUID,
    ref: str,
    team: str,
    note: port.Note,
    vouched: port.Vouched,
    instead_of: str,
) -> port.Deed:
    """Give a ticket to the note's author, where its holder is whom he saw; run as a transaction.

    Raises:
        HeldError: somebody else has it, or he has it himself.
    """
    ticket = deeds.locked(ref)
    if ticket.assignee not in {"", instead_of} or ticket.assignee == note.author:
        raise HeldError(ref, ticket.assignee)
    return move_ticket(
        key=key,
        ref=ref,
        stimulus=CLAIMS,
        fields={"assignee": note.author, "team": team},
        note=note,
        vouched=vouched,
    )


def link(*, key: UUID, link: port.Link, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Link two tickets; run inside a transaction."""
    ticket = deeds.locked(link.ref)
    other = models.Ticket.objects.filter(ref=link.other).first()
    if other is None:
        raise TicketNotFoundError(f"No ticket {link.other!r} to link with.")
    _is_of_the_desk(ticket, note, vouched, "link tickets")
    sources, to = LINKED.get(link.kind, ((), ""))
    if ticket.ticket_class not in sources or other.ticket_class != to:
        raise DraftRefusedError(
            f"{link.ref} {link.kind} {link.other}: no link from a {ticket.ticket_class}"
            f" to a {other.ticket_class}.",
            {"other": f"Name the ref of a {to}." if to else "Choose how they hang together."},
        )
    models.Link.objects.get_or_create(ticket=ticket, kind=link.kind, other=other)
    line = _line_of(note, "", f"{link.kind.replace('_', ' ').capitalize()} {other.ref}.")
    return deeds.deed(key, "link", "linked", ticket, deeds.line(ticket, line))


def finish_step(
    *, key: UUID, ref: str, n: int, note: port.Note, vouched: port.Vouched
) -> port.Deed:
    """Say that a step of a request is done; run inside a transaction."""
    ticket = deeds.locked(ref)
    step = models.RequestStep.objects.filter(ticket=ticket, n=n).first()
    if step is None:
        raise TicketNotFoundError(f"{ref} has no step {n}.")
    _is_of_the_desk(ticket, note, vouched, "finish steps")
    if step.done_at is not None:
        raise MoveRefusedError(f"Step {n} of {ref} was done by {step.done_by}.")
    if not states.is_open(ticket.state) or ticket.state == "waiting_for_approval":
        raise MoveRefusedError(f"{ref} is {ticket.state}: nobody works on its steps.")
    step.done_by, step.done_at = note.author, now()
    step.save(update_fields=["done_by", "done_at"])
    line = _line_of(note, "", f"Done: {step.title}.")
    return deeds.deed(key, "step", "step_done", ticket, deeds.line(ticket, line))


def _class_of(ticket: models.Ticket) -> port.TicketClass:
    return cast("port.TicketClass", ticket.ticket_class)


def _roles(
    ticket: models.Ticket, details: deeds.Details, note: port.Note, vouched: port.Vouched
) -> frozenset[port.Role]:
    return deeds.roles_in(ticket, details, note.author, note.author_kind, vouched)


def _independent(
    ticket: models.Ticket,
    details: deeds.Details,
    found: states.Move,
    note: port.Note,
    vouched: port.Vouched,
) -> str:
    """Refuse who would decide about his own; returns what the worklog must say of it."""
    if found.by != states.APPROVER:
        return ""
    near = deeds.stands_near(ticket, details, note.author)
    if near and not vouched.alone:
        raise NotIndependentError(f"{note.author} has asked for {ticket.ref}, or is to do it.")
    return ALONE if near else ""


def _in_time(ticket: models.Ticket, stimulus: str) -> None:
    settled = ticket.resolved_at
    if stimulus != "ev_reopen" or settled is None:
        return
    if now() - settled > states.REOPEN_WITHIN:
        raise TooLateError(
            f"{ticket.ref} was settled more than {states.REOPEN_WITHIN.days} days ago."
        )


def _set_fields(
    ticket: models.Ticket, details: deeds.Details, found: states.Move, given: port.TicketFields
) -> None:
    """Set what the move takes; everything that is wrong is said at once."""
    names = (*found.needs, *found.takes)
    values, faults = read_all([FIELDS[name] for name in names], given)
    for name, value in values.items():
        _set(ticket, details, name, value)
    if isinstance(details, models.Change) and _ends_too_soon(details):
        faults.setdefault("planned_end", "It must be over after it begins.")
    empty = [name for name in found.needs if not getattr(_home(ticket, details, name), name)]
    wanted = {name: missing(FIELDS[name]) for name in empty} | faults
    if wanted:
        kind = DraftRefusedError if faults else FieldMissingError
        raise kind(f"{ticket.ref}: {_listed(wanted)}", wanted)
    ticket.priority = priority(ticket.impact, ticket.urgency)


def _ends_too_soon(change: models.Change) -> bool:
    begins, ends = change.planned_start, change.planned_end
    return begins is not None and ends is not None and ends <= begins


def _set(ticket: models.Ticket, details: deeds.Details, name: str, value: Value) -> None:
    home = _home(ticket, details, name)
    if value is None and FIELDS[name].kind == "scale":
        return
    emptied = None if FIELDS[name].kind == "moment" else ""
    setattr(home, name, emptied if value is None else value)


def _home(ticket: models.Ticket, details: deeds.Details, name: str) -> object:
    return ticket if hasattr(ticket, name) else details or ticket


def _may_end(ticket: models.Ticket, stimulus: str, note: port.Note, vouched: port.Vouched) -> str:
    """Refuse an end that comes too early; returns what the worklog must say of it."""
    if ticket.ticket_class == "request" and stimulus == "ev_resolve":
        left = models.RequestStep.objects.filter(ticket=ticket, done_at=None)
        titles = list(left.values_list("title", flat=True))
        if titles:
            raise StepsOpenError(f"{ticket.ref} still waits for: {'; '.join(titles)}.")
    if ticket.ticket_class == "problem" and stimulus == "ev_close":
        if vouched.all_the_same and note.author_kind == "person" and note.text.strip():
            back = ", ".join(vouched.came_back or ())
            return f"Closed all the same: {f'{back} came back' if back else EARLY}."
        if vouched.came_back is None:
            raise RecurrenceUnknownError(f"Nobody has looked whether {ticket.ref} came back.")
        if vouched.came_back:
            raise CameBackError(f"{ticket.ref} came back: {', '.join(vouched.came_back)}.")
    return ""


def _consequences(
    ticket: models.Ticket, details: deeds.Details, stimulus: str, before: str, author: str
) -> None:
    """Keep what a move says beyond its state."""
    if before == "pending":
        ticket.pending_reason = ""
    if before == "resolved" and stimulus == "ev_reopen":
        ticket.reopens += 1
    if isinstance(details, models.Problem):
        details.known_error |= stimulus == "ev_known_error"
    if isinstance(details, models.Change):
        given = details.outcome if stimulus == "ev_fail" and details.outcome == "backed_out" else ""
        details.outcome = given or SETS.get(stimulus, details.outcome)
    if isinstance(details, models.Change | models.Request):
        if stimulus in {"ev_approve", "ev_notapprove", "ev_reject"}:
            details.decided_by = author
        elif stimulus in {"ev_plan", "ev_reopen"}:
            # What was decided was another plan.
            details.decided_by = details.decision = ""


def set_times(ticket: models.Ticket, before: str) -> None:
    """Set the times that go with the state a ticket has now; it is not saved."""
    at = now()
    if ticket.state == "assigned" and ticket.assigned_at is None:
        ticket.assigned_at = at
    if ticket.state == "closed":
        ticket.closed_at = at
    elif not states.is_open(ticket.state):
        ticket.resolved_at = at if states.is_open(before) else ticket.resolved_at
    elif not states.is_open(before):
        ticket.resolved_at = None
    ticket.updated_at = at


def _is_of_the_desk(
    ticket: models.Ticket, note: port.Note, vouched: port.Vouched, what: str
) -> None:
    roles = _roles(ticket, None, note, vouched)
    if not roles & (states.DESK | states.HANDS):
        raise NotAllowedError(f"{ticket.ref}: it is for the desk and for rules to {what}.")


def _line_of(note: port.Note, said: str, instead: str) -> port.Note:
    text = "\n".join(part for part in (note.text.strip() or instead, said) if part)
    tainted = note.tainted and bool(note.text.strip())
    return port.Note(
        text, note.author, note.author_kind, note.visibility, note.action_id, tainted=tainted
    )


def _listed(faults: dict[str, str]) -> str:
    return " ".join(f"{name}: {fault}" for name, fault in sorted(faults.items()))
