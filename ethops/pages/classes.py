"""What a ticket's class has of its own, as its page says it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.urls import reverse

from adapters.tickets import catalogue, states
from adapters.tickets.deeds import variant_of
from adapters.tickets.fields import Field
from adapters.tickets.models import Change, Problem, Request, Ticket
from adapters.tickets.port import TicketClass
from ethops.pages.words import State, ticket_state
from ethops.world.tickets import Dossier

LINK_WORDS = {
    "caused_by": ("is caused by the problem", "is the cause of"),
    "solved_by": ("is solved by the change", "solves"),
    "follows": ("came after the change", "was followed by"),
}
"""Kind of a link -> how it reads from its beginning, and from its end."""

NOT_YET = frozenset({"waiting_for_approval", "rejected"})


def called(dossier: Dossier) -> str:
    """Return the class as people say it: `normal change`, `service request`."""
    ticket_class = cast("TicketClass", dossier.ticket.ticket_class)
    said = states.called(ticket_class, variant_of(dossier.details))
    return f"service {said}" if ticket_class == "request" else said


def facts(dossier: Dossier) -> list[tuple[str, str]]:
    """Return names and short texts of what only this class has; nothing that is not known."""
    of = dossier.details
    found: list[tuple[str, str]] = []
    if isinstance(of, Problem):
        found = [("Known error", "yes" if of.known_error else "no")]
    if isinstance(of, Change):
        found = [
            ("Window", _window(of)),
            ("Done by", of.implementer),
            ("Came of it", of.outcome.replace("_", " ")),
            ("Decided by", of.decided_by),
        ]
    if isinstance(of, Request):
        found = [
            ("To approve", of.approver_role and f"somebody of {of.approver_role}"),
            ("Decided by", of.decided_by),
            *_answers(of),
        ]
    return [(name, text) for name, text in found if text]


def prose(dossier: Dossier) -> list[tuple[str, str]]:
    """Return names and longer texts: those of people, which are shown as they were written."""
    of = dossier.details
    said: list[tuple[str, str]] = []
    if isinstance(of, Problem):
        said = [("Workaround", of.workaround), ("Root cause", of.root_cause)]
    if isinstance(of, Change):
        said = [("Why", of.reason), ("The way back", of.backout), ("Decision", of.decision)]
    if isinstance(of, Request):
        said = [("Decision", of.decision)]
    if dossier.ticket.requester and not isinstance(of, Request):
        said.insert(0, ("Details", dossier.ticket.description))
    return [(name, text) for name, text in said if text]


def _window(of: Change) -> str:
    begins, ends = (_moment(at) for at in (of.planned_start, of.planned_end))
    return f"{begins} to {ends}" if begins and ends else begins


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%-d %b %Y %H:%M}"


def _answers(of: Request) -> list[tuple[str, str]]:
    fields: tuple[Field, ...] = catalogue.fields_of(of.model.fields)
    answers: Mapping[str, Any] = of.answers if isinstance(of.answers, dict) else {}
    return [
        (field.label, _answer(field, answers[field.name]))
        for field in fields
        if answers.get(field.name) is not None
    ]


def _answer(field: Field, value: object) -> str:
    if field.kind == "moment" and isinstance(value, str):
        return _moment(datetime.fromisoformat(value))
    return catalogue.shown(value)


def is_worked_on(of: Ticket) -> bool:
    """Tell whether steps of a request may be finished now."""
    return states.is_open(of.state) and of.state not in NOT_YET


def links(dossier: Dossier) -> list[tuple[str, str, str, State, str]]:
    """Return words, ref, title, state and address of what hangs together with a ticket."""
    found = []
    for link in dossier.links:
        forth = link.ticket_id == dossier.ticket.ref
        other = link.other if forth else link.ticket
        words = LINK_WORDS[link.kind][0 if forth else 1]
        state = ticket_state(other.state)
        href = reverse("admin:ticket", args=[other.ref])
        found.append((words, other.ref, other.title, state, href))
    return found
