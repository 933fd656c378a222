"""Incidents under a greater one: who is put under whom, and what the greater one is called."""

from typing import Final
from uuid import UUID

from adapters.text import one_line
from adapters.tickets import deeds, models, port
from adapters.tickets.errors import DraftRefusedError, NotAllowedError, TicketNotFoundError
from adapters.tickets.rights import roles_of
from adapters.tickets.states import DESK, HANDS

DEEPEST: Final = 8


def adopt(*, key: UUID, ref: str, parent: str, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Put an incident under another; run inside a transaction."""
    ticket = deeds.locked(ref)
    _is_of_the_desk(ticket, note, vouched)
    over = models.Ticket.objects.filter(ref=parent).first()
    if over is None:
        raise TicketNotFoundError(f"No ticket {parent!r} to be the parent of another.")
    wrong = _wrong(ticket, over)
    if wrong:
        raise DraftRefusedError(f"{ref} under {parent}: {wrong}", {"parent": wrong})
    ticket.parent = over
    ticket.save(update_fields=["parent"])
    line = _said(note, f"Belongs to {parent}.")
    return deeds.deed(key, "adopt", "adopted", ticket, deeds.line(ticket, line))


def retitle(
    *, key: UUID, ref: str, title: str, note: port.Note, vouched: port.Vouched
) -> port.Deed:
    """Call a ticket something else; run inside a transaction."""
    ticket = deeds.locked(ref)
    _is_of_the_desk(ticket, note, vouched)
    fit = one_line(title, 200)
    if not fit:
        raise DraftRefusedError(f"No title for {ref}.", {"title": "Say in a line what it is."})
    before, ticket.title = ticket.title, fit
    ticket.save(update_fields=["title"])
    line = _said(note, f"Was called: {before}")
    return deeds.deed(key, "retitle", "retitled", ticket, deeds.line(ticket, line))


def _wrong(ticket: models.Ticket, over: models.Ticket) -> str:
    """Return why one may not stand under the other; nothing where it may."""
    if {ticket.ticket_class, over.ticket_class} != {"incident"}:
        return "Only incidents stand under an incident."
    above: models.Ticket | None = over
    for _ in range(DEEPEST):
        if above is None:
            return ""
        if above.ref == ticket.ref:
            return "They would stand under each other."
        above = above.parent
    return f"Families of more than {DEEPEST} generations are not kept."


def _is_of_the_desk(ticket: models.Ticket, note: port.Note, vouched: port.Vouched) -> None:
    roles = roles_of(
        note.author, note.author_kind, vouched, requester=ticket.requester, approver_role=""
    )
    if not roles & (DESK | HANDS):
        raise NotAllowedError(f"{ticket.ref}: it is for the desk and for rules to sort tickets.")


def _said(note: port.Note, instead: str) -> port.Note:
    return note if note.text.strip() else port.Note(instead, note.author, note.author_kind)
