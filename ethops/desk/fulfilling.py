"""What becomes of a service request: who does its steps, as its model in the site file says.

No model is asked: rows say whether it may be worked on, by which card, on which CI. What its
requester wrote decides nothing but that CI, which was held against the CMDB when he filed it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from adapters import registry
from adapters.json_value import JSON
from adapters.tickets.port import Request, Ticket

Next: TypeAlias = Literal["take", "fulfil", "escalate", "tell_person", "nothing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the dispatcher looks at of a request that a card may do."""

    state: str
    variant: str
    team: str
    assignee: str
    approved: bool
    """Nobody has to approve it, or somebody has: another desk may lead around that."""
    live_run: bool
    ran: bool
    """A run has ended since a person last said something."""


def of(ticket: Ticket) -> Request | None:
    """Return what a request asks for, where a card does it; None leaves it to people."""
    details = registry.reader("tickets").details(ticket.ref)
    return details if isinstance(details, Request) and details.card else None


def next_step(at: Standing, team: str) -> Next:
    """Say what happens to a request that stands like this; `team` is the card's. Pure."""
    if at.live_run or at.assignee:
        return "nothing"
    if at.state == "approved" or (at.state, at.variant) == ("new", "plain"):
        return "take"
    if at.state == "escalated":
        return "tell_person"
    if at.state != "assigned" or at.team != team:
        return "nothing"
    if not at.approved:
        return "escalate"
    # What its run could not do it will not do a second time.
    return "escalate" if at.ran else "fulfil"


def target(ticket: Ticket) -> str:
    """Return the one CI that the form named; nothing where it is not there any more."""
    if len(ticket.ci_refs) != 1:
        return ""
    found = registry.reader("cmdb").by_refs(ticket.ci_refs)
    return found[0].ref if found else ""


def inputs(request: Request, ci: str) -> dict[str, JSON]:
    """Return what a run is told: the steps that are left, and where."""
    steps: list[JSON] = [
        {"n": step.n, "title": step.title, "entry": step.entry}
        for step in request.steps
        if step.done_at is None
    ]
    return {"first_question": "fulfil", "fulfil": {"ci": ci, "steps": steps}}
