"""Reads what happened within a period, in a fixed number of queries, whatever there was."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from adapters.rows import select
from adapters.tickets.models import Deed, Link, LogLine, Ticket, TicketCI
from ethops.figures import episodes
from ethops.figures.facts import Actor, Change, Incident, Passage, Promise, Repair
from ethops.figures.models import Restoration
from ethops.sla.calendars import SECOND
from ethops.sla.models import Stopwatch
from personas.autonomy import doors
from personas.models import Action

MOST: Final = 20_000
"""So many incidents and changes, the newest, are counted; a page must not wait for more."""
OVER: Final = ("ev_finish", "ev_fail")
_MOVES: Final = """
    SELECT d.ticket_id, extract(epoch FROM d.at)::float8 AS at, d.stimulus, l.author_kind
      FROM public.tickets_deed d
      JOIN public.tickets_ticket t ON t.ref = d.ticket_id
      JOIN public.tickets_logline l ON l.ticket_id = d.ticket_id AND l.n = d.line
     WHERE d.verb = 'move' AND d.at >= %s::timestamptz - interval '1 day'
       AND t.ticket_class = 'incident' AND t.opened_at >= %s
       AND (d.stimulus IN ('ev_resolve', 'ev_reopen') OR l.author_kind IN ('agent', 'person'))
     ORDER BY d.ticket_id, d.line
"""
"""Moves of incidents that a figure is made of, with what kind of author gave each: his line says
so. None is older than its ticket, but another desk's clock may be ahead of ours."""


class Epoch(Func):
    """A moment as seconds since 1970: read as a number, tens of thousands take a third as long."""

    template = "extract(epoch FROM %(expressions)s)::float8"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is counted; `cut` tells that there was more than is."""

    incidents: tuple[Incident, ...]
    changes: tuple[Change, ...]
    repairs: tuple[Repair, ...]
    promises: tuple[Promise, ...]
    cut: bool


def read(since: datetime, now: datetime) -> Facts:
    """Return what happened since then: incidents that were opened, changes that ended."""
    rows = list(
        Ticket.objects.filter(ticket_class="incident", opened_at__gte=since)
        .order_by("-opened_at", "-ref")
        .values_list("ref", "cause_key", Epoch("opened_at"), Epoch("first_bad_at"))[: MOST + 1]
    )
    own = Q(ticket__ticket_class="incident", ticket__opened_at__gte=since)
    repairs = _repairs(since)
    passages, well, cis = _passages(since), _well(since), _cis(own)
    incidents = tuple(
        _incident(row, passages[row[0]], repairs.get(row[0], []), well[row[0]], cis[row[0]])
        for row in rows[:MOST]
    )
    changes = _changes(since)
    return Facts(
        incidents=incidents,
        changes=tuple(changes[:MOST]),
        repairs=tuple(one for found in repairs.values() for one in found),
        promises=tuple(_promises(since, now)),
        cut=len(rows) > MOST or len(changes) > MOST,
    )


def moment(seconds: float) -> datetime:
    """Return a moment that was read as a number, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC)


def _incident(
    row: tuple[str, str | None, float, float | None],
    passages: list[Passage],
    repairs: list[Repair],
    well: Mapping[int, datetime],
    cis: set[str],
) -> Incident:
    ref, cause, opened, first_bad = row
    opened_at = moment(opened)
    taken_at, taken_by = episodes.taken(passages)
    return Incident(
        ref=ref,
        # One without a cause is its own.
        cause=cause or ref,
        opened_at=opened_at,
        first_bad_at=None if first_bad is None else moment(first_bad),
        taken_at=taken_at,
        taken_by=taken_by,
        cis=frozenset(cis),
        episodes=episodes.episodes(opened_at, passages, repairs, well),
    )


def _passages(since: datetime) -> Mapping[str, list[Passage]]:
    found: dict[str, list[Passage]] = defaultdict(list)
    for row in select(_MOVES, [since, since]):
        made = Passage(moment(row["at"]), row["stimulus"], row["author_kind"])
        found[row["ticket_id"]].append(made)
    return found


def _well(since: datetime) -> Mapping[str, Mapping[int, datetime]]:
    found: dict[str, dict[int, datetime]] = defaultdict(dict)
    rows = Restoration.objects.filter(well_from__gte=since)
    for ref, episode, at in rows.values_list("ticket_ref", "episode", "well_from"):
        found[ref][episode] = at
    return found


def _cis(of: Q) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for ref, ci in TicketCI.objects.filter(of).values_list("ticket_id", "ci_ref"):
        found[ref].add(ci)
    return found


def _repairs(since: datetime) -> dict[str, list[Repair]]:
    """Return what was really changed for tickets, oldest first, by ticket."""
    rows = (
        Action.objects.filter(
            verb__in=("playbook.run", "command.run"),
            verdict="authorised",
            outcome__in=("done", "failed"),
            settled_at__gte=since,
        )
        .exclude(risk="none")
        .exclude(ticket_ref="")
        .order_by("settled_at")
        .values_list(
            "ticket_ref", "entry", "principal",
            Epoch(Coalesce("work__claimed_at", "decided_at")), Epoch("settled_at"),
            "outcome", "judgement__verdict", "judgement__healed_alone",
        )
    )  # fmt: skip
    found: dict[str, list[Repair]] = defaultdict(list)
    for ticket, entry, principal, began, settled, outcome, verdict, alone in rows:
        by: Actor = "agent" if principal.startswith("run:") else "person"
        done = outcome == "done"
        found[ticket].append(
            Repair(
                ticket, entry, by, moment(began), moment(settled), done, verdict or "", bool(alone)
            )
        )
    return found


def _changes(since: datetime) -> list[Change]:
    """Return changes that ended since then, newest first, one more than are counted."""
    over = Q(ticket__ticket_class="change", stimulus__in=OVER, at__gte=since)
    first = LogLine.objects.filter(ticket_id=OuterRef("ticket_id"), n=1)
    began = Deed.objects.filter(ticket_id=OuterRef("ticket_id"), stimulus="ev_implement")
    rows = (
        Deed.objects.filter(over)
        .annotate(
            opener=Subquery(first.values("author_kind")[:1]),
            began=Subquery(began.order_by("-line").values("at")[:1]),
            planned_end=F("ticket__change__planned_end"),
            came=F("ticket__change__outcome"),
            parent=F("ticket__parent_id"),
        )
        .order_by("-at")
        .values("ticket_id", "at", "opener", "began", "planned_end", "came", "parent")[: MOST + 1]
    )
    ended = Deed.objects.filter(over).values("ticket_id")
    cis = _cis(Q(ticket__ticket_class="change", ticket__in=ended))
    links = _links(ended)
    within = timedelta(seconds=doors.policy("reopened_within_s"))
    # The first row of a change is its last end.
    newest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        newest.setdefault(row["ticket_id"], dict(row))
    return [_change(row, cis, links, within) for row in newest.values()]


def _change(
    row: Mapping[str, Any],
    cis: Mapping[str, set[str]],
    links: Mapping[tuple[str, str], set[str]],
    within: timedelta,
) -> Change:
    ref, ended = row["ticket_id"], row["at"]
    until = ended + within
    return Change(
        ref=ref,
        by="agent" if row["opener"] == "executor" else "person",
        cis=frozenset(cis[ref]),
        began=row["began"] or ended,
        ended=ended,
        watched_until=max(until, row["planned_end"] or until),
        successful=row["came"] == "successful",
        solves=frozenset(links[ref, "solved_by"] | ({row["parent"]} - {None})),
        followed_by=frozenset(links[ref, "follows"]),
    )


def _links(ended: QuerySet[Deed, Any]) -> Mapping[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = Link.objects.filter(other__in=ended, kind__in=("solved_by", "follows"))
    for ref, kind, change in rows.values_list("ticket_id", "kind", "other_id"):
        found[change, kind].add(ref)
    return found


def _promises(since: datetime, now: datetime) -> Iterable[Promise]:
    """Yield clocks that have stopped since then, and those that went over their target and run."""
    late = now - SECOND
    rows = Stopwatch.objects.filter(
        Q(phase="stopped", since__gte=since) | Q(due_at__gte=since, due_at__lte=late)
    )
    kept = ExpressionWrapper(Q(due_at=None), BooleanField())
    alike = rows.values_list("ticket_class", "kind", kept).annotate(Count("pk"))
    for ticket_class, kind, is_kept, number in alike:
        yield Promise(ticket_class, kind, is_kept, number)
