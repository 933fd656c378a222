"""Reads about runs, cards and actions, for the rooms above."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from personas.models import Action, Card, Run
from personas.states import LIVE


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as the dispatcher sees it."""

    id: UUID
    card: str
    state: str
    summary: str


def newest_run(ticket_ref: str) -> RunFacts | None:
    """Return the newest run on a ticket."""
    run = Run.objects.filter(ticket_ref=ticket_ref).order_by("-created_at").first()
    return None if run is None else RunFacts(run.id, run.card_id, run.state, run.summary)


def has_live_run(ticket_ref: str) -> bool:
    """Tell whether an agent is at work on the ticket."""
    return Run.objects.filter(ticket_ref=ticket_ref, state__in=LIVE).exists()


def card_document(name: str) -> Mapping[str, Any]:
    """Return an enabled card's document."""
    document: Mapping[str, Any] = Card.objects.get(name=name, enabled=True).document
    return document


def action_sentence(action_id: str) -> str:
    """Return one line that names an action to a person."""
    action = Action.objects.get(pk=action_id)
    return f"{action.verb} {action.entry} on {action.target}".replace("  ", " ")
