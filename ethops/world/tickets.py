"""Tickets with what belongs to them, in a fixed number of queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery

from adapters.cmdb.models import CI
from adapters.tickets import states
from adapters.tickets.deeds import Details, details_of, roles_in, stands_near, variant_of
from adapters.tickets.models import Link, LogLine, RequestStep, Ticket
from adapters.tickets.port import TicketClass, Vouched
from adapters.tickets.states import SETTLED, Move
from audit.models import Entry, Pending
from ethops.desk.models import Event
from ethops.sla.calendars import SECOND
from ethops.sla.models import Stopwatch
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
    details: Details
    lines: list[LogLine]
    events: list[Event]
    runs: list[Run]
    actions: list[Action]
    reasoning: dict[tuple[UUID, int], Reasoning]
    entries: list[Entry]
    waiting: int
    cis: list[CI]
    changes: list[Ticket]
    links: list[Link]
    steps: list[RequestStep]


@dataclass(frozen=True, slots=True)
class Many:
    """Tickets that may be many: how many, of which priority, since when, and the first of them."""

    ranks: Mapping[str, int]
    late: int
    """So many are over what was promised."""
    oldest: datetime | None
    first: list[Ticket]

    @property
    def count(self) -> int:
        """Return how many there are in all."""
        return sum(self.ranks.values())


def tickets() -> QuerySet[Ticket]:
    """Return tickets, newest first, with the CIs they name."""
    return Ticket.objects.prefetch_related("cis").order_by("-opened_at", "-ref")


def open_tickets() -> QuerySet[Ticket]:
    """Return the tickets that ask something of somebody, most urgent and then oldest first."""
    return tickets().exclude(state__in=SETTLED).order_by("priority", "opened_at")


def wrong(shown: int, now: datetime) -> Many:
    """Return the open incidents: by priority, and within it by what is due first.

    Due is a ticket when the first of its clocks is that still runs or waits; those without one
    come last.
    """
    clocks = Stopwatch.objects.filter(ticket_ref=OuterRef("ref")).exclude(phase="stopped")
    late = Q(Exists(clocks.filter(due_at__lte=now - SECOND)))
    due = Subquery(clocks.order_by(F("due_at").asc(nulls_last=True)).values("due_at")[:1])
    there = open_tickets().filter(ticket_class="incident")
    first = there.annotate(due=due).order_by("priority", F("due").asc(nulls_last=True), "opened_at")
    return _many(there, first[:shown], since="opened_at", late=late)


def waiting_now(shown: int) -> Many:
    """Return what only a person ends, as `waiting` has it."""
    return _many(waiting(), waiting()[:shown], since="updated_at")


def _many(
    there: QuerySet[Ticket], first: QuerySet[Ticket], *, since: str, late: Q | None = None
) -> Many:
    counted = list(
        there.order_by("priority")
        .values("priority")
        .annotate(number=Count("ref"), late=Count("ref", filter=late), oldest=Min(since))
    )
    return Many(
        ranks={one["priority"]: one["number"] for one in counted},
        late=sum(one["late"] for one in counted) if late is not None else 0,
        oldest=min((one["oldest"] for one in counted), default=None),
        first=list(first),
    )


def ticket(ref: str) -> Ticket | None:
    """Return one ticket."""
    return tickets().filter(ref=ref).first()


def worklog(ref: str) -> QuerySet[LogLine]:
    """Return a ticket's lines, oldest first."""
    return LogLine.objects.filter(ticket_id=ref).order_by("n")


def dossier(ref: str) -> Dossier | None:
    """Collect what all rooms know of a ticket; a dozen queries whatever its length."""
    found = ticket(ref)
    if found is None:
        return None
    return Dossier(
        ticket=found,
        details=details_of(found),
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
        links=list(links(ref)),
        steps=list(RequestStep.objects.filter(ticket_id=ref).order_by("n")),
    )


def links(ref: str) -> QuerySet[Link]:
    """Return the links from and to a ticket, with both ends, oldest first."""
    ends = Link.objects.select_related("ticket__change", "other__change")
    return ends.filter(Q(ticket_id=ref) | Q(other_id=ref)).order_by("id")


def waiting() -> QuerySet[Ticket]:
    """Return what only a person ends, of every class, most urgent and then oldest first."""
    careful = Q(state="planned", change__change_type__in=states.CAREFUL)
    found = tickets().filter(Q(state__in=states.WAITING) | careful)
    return found.order_by("priority", "opened_at")


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


def offered(of: Ticket, person: str, vouched: Vouched) -> Mapping[str, Move]:
    """Return the moves that a person may make with a ticket now, by stimulus."""
    details = details_of(of)
    roles = roles_in(of, details, person, "person", vouched)
    there = states.offered(
        cast("TicketClass", of.ticket_class), of.state, roles, variant_of(details)
    )
    barred = stands_near(of, details, person) and not vouched.alone
    return {
        name: move for name, move in there.items() if not (barred and move.by == states.APPROVER)
    }
