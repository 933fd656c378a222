"""Questions of agents: people are told of each, and of one that nobody answers a person has it."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from adapters.tickets import questions
from adapters.tickets.port import Ticket
from ethops.desk import notices
from ethops.executor import tickets
from personas.autonomy import doors

NAMESPACE: Final = UUID("6f5c4d0e-1f0b-4a44-9a5e-3c1c9f1b2a10")
RULE: Final = "questions"
HOURS: Final = 8.0
"""So long a question waits where the site says nothing else."""


def tell(ticket: Ticket) -> None:
    """Tell people of what was asked about a ticket and is open, once each."""
    for one in questions.of_ticket(ticket.ref):
        if one.is_open:
            words = ", ".join(f"`Q{one.n}: {word}`" for word in one.answers)
            notices.tell(
                rule="question",
                key=f"{ticket.ref}:Q{one.n}",
                ticket_ref=ticket.ref,
                title=f"{ticket.ref} asks you: {one.text}",
                text=f"{one.text}\nAnswer on the page of {ticket.ref}, or with a line {words}.",
            )


def expire() -> int:
    """Withdraw what nobody has answered in time, so that people are called; returns how many."""
    hours = doors.number("question_hours", HOURS)
    gone = 0
    for one in questions.open_since(datetime.now(UTC) - timedelta(hours=hours)):
        gone += tickets.withdraw_questions(
            key=uuid5(NAMESPACE, f"{one.ref}:Q{one.n}"),
            ref=one.ref,
            rule=RULE,
            text=f"Nobody has answered Q{one.n} within {hours:g} h.",
        )
    return gone
