"""Runs and actions with what belongs to them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from adapters.rows import select
from audit.models import Entry
from personas.models import Action, AgentIntent, Autonomy, Card, CatalogueEntry, Grant, Run, Step
from personas.states import LIVE


@dataclass(frozen=True, slots=True)
class Rights:
    """How far agents may go, and what came of it since midnight."""

    pairs: int
    acting: int
    done: int
    denied: int
    failed: int
    in_doubt: int


def runs() -> QuerySet[Run]:
    """Return runs, newest first."""
    return Run.objects.select_related("card", "intent").order_by("-created_at")


def live_runs() -> QuerySet[Run]:
    """Return the runs that are not over, with the kind of their last question."""
    last = Step.objects.filter(run=OuterRef("pk")).order_by("-number")
    return (
        runs()
        .filter(state__in=LIVE)
        .annotate(
            asked=Subquery(last.values("question__kind")[:1]),
            acting_entry=Subquery(_open_actions().values("entry")[:1]),
            acting_verb=Subquery(_open_actions().values("verb")[:1]),
            acting_target=Subquery(_open_actions().values("target")[:1]),
        )
        .order_by("created_at")
    )


def _open_actions() -> QuerySet[Action]:
    return Action.objects.filter(run=OuterRef("pk"), verdict="authorised", outcome="").order_by(
        "-decided_at"
    )


def run(run_id: UUID) -> Run | None:
    """Return one run with its steps and actions."""
    return (
        runs()
        .prefetch_related("step_rows", "action_rows__work", "transitions")
        .filter(id=run_id)
        .first()
    )


def held_back(action_id: UUID) -> str:
    """Return why an effect that is permitted is not handed out; empty where nothing holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT why FROM gate.held_effects() WHERE action_id = %s", [action_id])
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def last_ended() -> datetime | None:
    """Return when the newest run ended."""
    return (
        Run.objects.filter(ended_at__isnull=False)
        .order_by("-ended_at")
        .values_list("ended_at", flat=True)
        .first()
    )


def actions() -> QuerySet[Action]:
    """Return actions, newest first, with their run and work."""
    return Action.objects.select_related("run", "work").order_by("-decided_at")


def action(action_id: UUID) -> Action | None:
    """Return one action."""
    return actions().filter(id=action_id).first()


def in_doubt() -> QuerySet[Action]:
    """Return the actions whose outcome nobody knows yet."""
    return actions().filter(outcome="", work__state="in_doubt")


def actions_in_flight() -> QuerySet[Action]:
    """Return the actions that an executor holds now."""
    return actions().filter(outcome="", work__state="leased")


def authorised_waiting() -> int:
    """Count the actions that are authorised and not begun."""
    return Action.objects.filter(outcome="", work__state__in=("waiting", "ready")).count()


def entries_of(subject: str) -> list[Entry]:
    """Return the entries about one subject, oldest first, without their bytes."""
    return list(Entry.objects.filter(subject=subject).defer("body").order_by("seq"))


def entries_of_run(of: Run) -> list[Entry]:
    """Return the entries about a run and its steps."""
    about = Q(subject=str(of.id)) | Q(kind="step.taken", subject__startswith=f"{of.id}:")
    return list(Entry.objects.filter(about, ticket_ref=of.ticket_ref).defer("body").order_by("seq"))


def rights(now: datetime | None = None) -> Rights:
    """Count what agents may do and what they did since midnight."""
    midnight = (now or timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    said = Action.objects.filter(decided_at__gte=midnight).aggregate(
        done=Count("id", filter=Q(outcome="done")),
        denied=Count("id", filter=Q(verdict="denied")),
        failed=Count("id", filter=Q(outcome="failed")),
    )
    granted = set(
        Grant.objects.filter(verb="playbook.run").values_list("card_id", "entry", "ci_class")
    )
    acting = set(
        Autonomy.objects.filter(level__in=("act", "veto")).values_list(
            "card_id", "entry", "ci_class"
        )
    )
    return Rights(
        pairs=len(granted),
        acting=len(granted & acting),
        done=said["done"],
        denied=said["denied"],
        failed=said["failed"],
        in_doubt=in_doubt().count(),
    )


def guards(verb: str) -> list[tuple[str, str]]:
    """Return the gate's guards of a verb in their order, each with what it sees to."""
    asked = "SELECT name, says FROM reading.guard WHERE verbs = '{}' OR %s = ANY(verbs)"
    return [(row["name"], row["says"]) for row in select(f"{asked} ORDER BY position", [verb])]


def cards() -> QuerySet[Card]:
    """Return cards with their grants."""
    return Card.objects.prefetch_related("grants").order_by("name")


def catalogue() -> QuerySet[CatalogueEntry]:
    """Return the catalogue."""
    return CatalogueEntry.objects.order_by("name")


def intents() -> QuerySet[AgentIntent]:
    """Return requests for runs, newest first."""
    return AgentIntent.objects.select_related("card").order_by("-created_at")
