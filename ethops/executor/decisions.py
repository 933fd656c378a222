"""What is asked of a person who approves a ticket, before anybody is told of it."""

from typing import Final, cast
from uuid import UUID

from adapters.tickets import deeds, models, states
from adapters.tickets.errors import NotIndependentError
from adapters.tickets.port import TicketClass, Vouched
from personas.approvals import doors
from personas.approvals.doors import Taken

APPROVES: Final = "ev_approve"
"""The one stimulus that lets happen what would not; to refuse needs no code, at any door."""


def taken(*, key: UUID, ref: str, person: str, stimulus: str, vouched: Vouched, code: str) -> Taken:
    """Take the code where one is asked for; run inside the transaction that moves the ticket.

    A repeat of what was done asks for none: its code is used up, and nothing is written. Nor does
    what is no approver's word here: by a guest's link nobody uses up an approver's tries.
    """
    ticket = models.Ticket.objects.filter(ref=ref).first()
    if stimulus != APPROVES or ticket is None or deeds.find(key) is not None:
        return Taken("", None)
    if "approver" not in deeds.roles_in(
        ticket, deeds.details_of(ticket), person, "person", vouched
    ):
        return Taken("", None)
    return doors.take_ticket_code(person=person, ref=ref, code=code)


def mind_the_table(ref: str, stimulus: str, person: str, vouched: Vouched) -> None:
    """Refuse what the table of states does not have for a person.

    Raises:
        MoveRefusedError: its state has no such stimulus.
        NotAllowedError: it is not for him.
        NotIndependentError: he has asked for it, or is to do it.
    """
    ticket = models.Ticket.objects.get(ref=ref)
    details = deeds.details_of(ticket)
    roles = deeds.roles_in(ticket, details, person, "person", vouched)
    variant = deeds.variant_of(details)
    states.move(cast("TicketClass", ticket.ticket_class), ticket.state, stimulus, roles, variant)
    if deeds.stands_near(ticket, details, person) and not vouched.alone:
        raise NotIndependentError(f"{person} has asked for {ref}, or is to do it.")
