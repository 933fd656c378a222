"""What a requester may see: his own tickets, what he may approve, and public lines alone."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from adapters.tickets.models import LogLine, Ticket
from adapters.tickets.port import ANY_GROUP
from adapters.tickets.states import SETTLED
from ethops.portal.visitor import Visitor

MOST = 100
PAGE = 20


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody finds when he comes in."""

    waits: list[Ticket]
    decides: list[Ticket]
    open: list[Ticket]
    over: list[Ticket]
    more: bool
    """There is more that is over than is shown."""


def own(visitor: Visitor, *, page: int = 0) -> Own:
    """Return his tickets, and what waits for him, in a fixed number of queries."""
    mine = Ticket.objects.filter(requester=visitor.person)
    current = list(mine.exclude(state__in=SETTLED).order_by("-opened_at", "-ref")[:MOST])
    confirm = list(
        mine.filter(state="resolved", ticket_class__in=("incident", "request")).order_by(
            "-resolved_at", "-ref"
        )[:MOST]
    )
    settled = mine.filter(state__in=SETTLED).exclude(pk__in=[one.pk for one in confirm])
    first = page * PAGE
    over = list(settled.order_by("-opened_at", "-ref")[first : first + PAGE + 1])
    asked = [one for one in current if one.pending_reason == "requester"]
    return Own(
        waits=[*asked, *confirm],
        decides=list(to_decide(visitor)[:MOST]),
        open=[one for one in current if one not in asked],
        over=over[:PAGE],
        more=len(over) > PAGE,
    )


def to_decide(visitor: Visitor) -> QuerySet[Ticket]:
    """Return the requests that wait for one of his groups, oldest first; never his own."""
    waiting = Ticket.objects.filter(state="waiting_for_approval").exclude(request__approver_role="")
    if ANY_GROUP not in visitor.groups:
        waiting = waiting.filter(request__approver_role__in=visitor.groups)
    if not visitor.vouched.alone:
        mine = Q(lines__n=1, lines__author_kind="person", lines__author=visitor.person)
        opened = Ticket.objects.filter(mine, state="waiting_for_approval").values("pk")
        waiting = waiting.exclude(requester=visitor.person).exclude(pk__in=opened)
    return waiting.order_by("opened_at", "ref")


def lines(ref: str) -> QuerySet[LogLine]:
    """Return what everybody who may see the ticket may read, but that it was opened."""
    return LogLine.objects.filter(ticket_id=ref, visibility="public", n__gt=1).order_by("n")
