"""Who stands at the door: somebody who has logged in, or the bearer of a link to one ticket.

By this door nobody is an operator: whoever is one works at the desk.
"""

from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.http import HttpRequest

from adapters.tickets.models import Request, Ticket
from adapters.tickets.port import ANY_GROUP, NOTHING, Vouched
from ethops.desk import people
from ethops.guests import links
from ethops.guests.errors import GuestError
from ethops.portal.errors import NotYoursError
from personas import queries

LINKS = "guest_links"
"""In the session: ref of a ticket -> hash of the link that opened it."""
MOST_LINKS = 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person, what is vouched for him here, and whether he has logged in."""

    person: str
    vouched: Vouched
    account: bool

    @property
    def groups(self) -> frozenset[str]:
        """The groups in whose name he approves."""
        return self.vouched.groups

    def may_see(self, ticket: Ticket) -> bool:
        """Tell whether a ticket is his wish, or his to approve."""
        if ticket.requester and ticket.requester == self.person:
            return True
        if ticket.ticket_class != "request" or not self.groups:
            return False
        role = Request.objects.values_list("approver_role", flat=True).get(ticket=ticket)
        return bool(role) and bool(self.groups & {role, ANY_GROUP})


def account(request: HttpRequest) -> Visitor | None:
    """Return who has logged in; nobody where that is a stranger, or a login called like a card."""
    user = request.user
    if not isinstance(user, User) or not user.is_active or queries.is_card(user.username):
        return None
    vouched = replace(people.vouched(user.username), roles=frozenset())
    return Visitor(user.username, vouched, account=True)


def let_in(request: HttpRequest, token: str) -> str:
    """Open a link's ticket to this browser; returns the ticket's ref.

    Raises:
        GuestError: the link is none of ours, or good no longer.
    """
    link = links.of_token(token)
    held = {**request.session.get(LINKS, {}), link.ticket_ref: link.token_hash}
    # The oldest go first, so that no session grows without end.
    request.session[LINKS] = dict(list(held.items())[-MOST_LINKS:])
    return link.ticket_ref


def at(request: HttpRequest, ref: str) -> tuple[Visitor, Ticket]:
    """Return who stands before a ticket, and the ticket.

    Raises:
        GuestError: the link that opened it is good no longer.
        NotYoursError: nobody who is here may see it.
    """
    ticket = Ticket.objects.filter(ref=ref).first()
    here = account(request)
    if ticket is not None and here is not None and here.may_see(ticket):
        return here, ticket
    guest = by_link(request, ref)
    # A link is for who asked for the ticket; should that be somebody else by now, it opens nothing.
    if ticket is not None and guest is not None and guest.may_see(ticket):
        return guest, ticket
    raise NotYoursError(f"There is no ticket {ref} of yours.")


def by_link(request: HttpRequest, ref: str) -> Visitor | None:
    """Return whose link this browser has opened for a ticket.

    Raises:
        GuestError: it is good no longer.
    """
    token_hash = request.session.get(LINKS, {}).get(ref)
    if token_hash is None:
        return None
    try:
        link = links.good(str(token_hash))
    except GuestError:
        request.session[LINKS] = {
            of: one for of, one in request.session[LINKS].items() if of != ref
        }
        raise
    return Visitor(link.person, NOTHING, account=False) if link.ticket_ref == ref else None
