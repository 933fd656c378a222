"""Tickets with what belongs to them, in a fixed number of queries."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from adapters.cmdb.models import CI
from adapters.tickets.models import LogLine, Ticket
from adapters.tickets.states import MOVES, SETTLED
from audit.models import Entry, Pending
from ethops.desk.models import Event
from personas.models import Action, Run, Step


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Which engine answered in a step, and how sure it was (0 to 1)."""

    engine: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything on record about one ticket, oldest first in each list."""

    ticket: Ticket
    lines: list[LogLine]
    events: list[Event]
    runs: list[Run]
    actions: list[Action]
    reasoning: dict[tuple[UUID, int], Reasoning]
    entries: list[Entry]
    waiting: int
    cis: list[CI]
    changes: list[Ticket]


def tickets() -> QuerySet[Ticket]:
    """Return tickets, newest first, with the CIs they name."""
    return Ticket.objects.prefetch_related("cis").order_by("-opened_at", "-ref")


def open_tickets() -> QuerySet[Ticket]:
    """Return the tickets that ask something of somebody, most urgent and then oldest first."""
    return tickets().exclude(state__in=SETTLED).order_by("priority", "opened_at")


def ticket(ref: str) -> Ticket | None:
    """Return one ticket."""
    return tickets().filter(ref=ref).first()


def worklog(ref: str) -> QuerySet[LogLine]:
    """Return a ticket's lines, oldest first."""
    return LogLine.objects.filter(ticket_id=ref).order_by("n")


def dossier(ref: str) -> Dossier | None:
    """Collect what all rooms know of a ticket; ten queries whatever its length."""
    found = ticket(ref)
    if found is None:
        return None
    return Dossier(
        ticket=found,
        lines=list(worklog(ref)),
        events=list(Event.objects.filter(ticket_ref=ref).order_by("at", "id")),
        runs=list(Run.objects.filter(ticket_ref=ref).order_by("created_at")),
        actions=list(
            Action.objects.filter(ticket_ref=ref)
            .select_related("run", "work")
            .order_by("decided_at")
        ),
        reasoning=reasoning(ref),
        entries=list(Entry.objects.filter(ticket_ref=ref).order_by("seq")),
        waiting=Pending.objects.filter(ticket_ref=ref).count(),
        cis=list(CI.objects.filter(ref__in=[one.ci_ref for one in found.cis.all()])),
        changes=list(Ticket.objects.filter(parent_id=ref).order_by("opened_at")),
    )


def reasoning(ref: str) -> dict[tuple[UUID, int], Reasoning]:
    """Return who answered in each step of a ticket's runs."""
    steps = Step.objects.filter(run__ticket_ref=ref).values_list(
        "run_id", "number", "answer__engine", "answer__confidence"
    )
    return {
        (run_id, number): Reasoning(
            str(engine or ""), float(sure) if isinstance(sure, int | float) else None
        )
        for run_id, number, engine, sure in steps
    }


def stimuli(of: Ticket) -> tuple[str, ...]:
    """Return the stimuli this ticket takes in its state."""
    if of.ticket_class not in MOVES:
        return ()
    return tuple(sorted(MOVES[of.ticket_class].get(of.state, {})))  # type: ignore[index]
