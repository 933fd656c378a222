"""Reads about runs, cards and actions, for the rooms above."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from personas.models import Action, Card, CatalogueEntry, Run
from personas.states import LIVE


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as the dispatcher sees it."""

    id: UUID
    card: str
    state: str
    summary: str


def has_cards() -> bool:
    """Tell whether any card was ever loaded."""
    return Card.objects.exists()


def has_card(name: str) -> bool:
    """Tell whether a card of this name is enabled, and has something that it can be asked."""
    askable = Q(document__waiting=None) | Q(document__waiting__isnull=True)
    return Card.objects.filter(askable, name=name, enabled=True).exists()


def is_card(name: str) -> bool:
    """Tell whether a card is called so, enabled or not: no person is."""
    return Card.objects.filter(name=name).exists()


def card_names() -> frozenset[str]:
    """Return what cards are called, enabled or not."""
    return frozenset(Card.objects.values_list("name", flat=True))


def newest_run(ticket_ref: str, *, since: datetime | None = None) -> RunFacts | None:
    """Return the newest run on a ticket, of those born after `since`."""
    runs = Run.objects.filter(ticket_ref=ticket_ref)
    if since is not None:
        runs = runs.filter(created_at__gt=since)
    run = runs.order_by("-created_at").first()
    return None if run is None else RunFacts(run.id, run.card_id, run.state, run.summary)


def count_runs(ticket_ref: str) -> int:
    """Return how many runs the ticket has had."""
    return Run.objects.filter(ticket_ref=ticket_ref).count()


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over."""

    card: str
    state: str
    steps: int
    created_at: datetime
    ended_at: datetime


def runs_of(ticket_ref: str) -> list[Ended]:
    """Return the runs on a ticket that are over, oldest first."""
    return [
        Ended(run.card_id, run.state, run.steps, run.created_at, run.ended_at)
        for run in Run.objects.filter(ticket_ref=ticket_ref).order_by("created_at")
        if run.ended_at is not None
    ]


@dataclass(frozen=True, slots=True)
class Done:
    """What runs have asked for about a ticket, and what came of it; `outcome` "" is none yet."""

    verb: str
    entry: str
    target: str
    verdict: str
    outcome: str
    at: datetime


def done_for(ticket_ref: str) -> list[Done]:
    """Return what runs have asked for about a ticket but for notes, oldest first."""
    rows = Action.objects.filter(ticket_ref=ticket_ref, run__isnull=False)
    return [
        Done(*row)
        for row in rows.exclude(verb="ticket.comment")
        .order_by("decided_at")
        .values_list("verb", "entry", "target", "verdict", "outcome", "decided_at")
    ]


def has_live_run(ticket_ref: str) -> bool:
    """Tell whether an agent is at work on the ticket."""
    return Run.objects.filter(ticket_ref=ticket_ref, state__in=LIVE).exists()


def card_document(name: str) -> Mapping[str, Any]:
    """Return an enabled card's document."""
    document: Mapping[str, Any] = Card.objects.get(name=name, enabled=True).document
    return document


def looks_after(ci_class: str) -> str:
    """Return the card that is given incidents of a class of CI, "" where there is none."""
    card = Card.objects.filter(enabled=True, document__looks_after__contains=[ci_class]).first()
    return card.name if card else ""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """A notice that reached nobody: what it said, to whom, under which key, and why not."""

    rule: str
    key: str
    args: Mapping[str, str]
    said: str


def notice(action_id: str) -> NoticeFacts:
    """Return a notice that a rule ordered."""
    action = Action.objects.get(pk=action_id, verb="notify")
    return NoticeFacts(
        rule=action.principal.removeprefix("rule:"),
        key=action.key,
        args=action.args,
        said=str(action.result.get("said", action.outcome)),
    )


def outcome_said(action_id: str) -> str:
    """Return what was said of an action's outcome; empty where that was taken away."""
    return str(Action.objects.get(pk=action_id).result.get("said", ""))


def outcome(action_id: str) -> Mapping[str, Any]:
    """Return everything that came of an action."""
    result: Mapping[str, Any] = Action.objects.get(pk=action_id).result
    return result


def action_sentence(action_id: str) -> str:
    """Return one line that names an action to a person."""
    action = Action.objects.get(pk=action_id)
    return f"{action.verb} {action.entry} on {action.target}".replace("  ", " ")


def run_of(action_id: UUID) -> UUID | None:
    """Return the run that asked for an action; None where a rule did, or there is none such."""
    return Action.objects.filter(pk=action_id).values_list("run_id", flat=True).first()


def entry_of(action_id: str) -> str:
    """Return the entry of the catalogue that an action was for."""
    return Action.objects.get(pk=action_id).entry


def window_of(entry: str) -> float:
    """Return how long its CI must stay well after an entry to count as repaired; or 60 s."""
    return float(_verification(entry).get("window_s", 60))


def patience_of(entry: str) -> float:
    """Return how long after an entry its CI is given to be well, window and all; or 60 s."""
    said = _verification(entry)
    return float(said["window_s"] + said["patience_s"]) if said else 60.0


def _verification(entry: str) -> Mapping[str, Any]:
    found = CatalogueEntry.objects.filter(name=entry).values_list("document", flat=True).first()
    return (found or {}).get("verification") or {}
