"""What people did to a ticket at another desk: put on record here, and agents let go of it."""

from typing import Final

from adapters.tickets import questions
from adapters.tickets.following import News
from audit.ledger import pending
from audit.work import rows
from ethops.sla import projection
from personas import gate

ENDS: Final = frozenset({"resolved", "closed", "pending"})
"""States that end the runs of a ticket, whoever brings it there."""


def hear(news: News) -> None:
    """Do here what follows from it; run inside the transaction that takes the news away."""
    projection.follow(news.ref)
    pending.note(
        kind="ticket.elsewhere",
        subject=news.ref,
        ticket_ref=news.ref,
        body={
            "what": news.what,
            "from_state": news.before,
            "state": news.state,
            "is": news.assignee,
            "fields": list(news.attributes),
            "count": news.lines,
        },
    )
    taken = bool(news.assignee) and news.assignee != news.assignee_before
    ended = news.state in ENDS and news.state != news.before
    if news.what == "changed" and (taken or ended):
        questions.withdraw(news.ref)
        who = news.assignee if taken else "somebody at the other desk"
        gate.take_over(ticket_ref=news.ref, person=who, why=news.state)
    if news.what == "born" or taken or news.state != news.before or _handed_back(news):
        rows.enqueue(
            kind="dispatch",
            subject=news.ref,
            payload={"ticket": news.ref, "why": f"{news.what} at the other desk"},
            priority=3,
        )


def _handed_back(news: News) -> bool:
    return bool(news.assignee_before) and not news.assignee
