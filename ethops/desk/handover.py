"""The morning handover: what happened, what was done, what waits for people. Counted, no model."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from adapters.cmdb import proposing
from adapters.tickets import states
from adapters.tickets.models import Deed, LogLine, Ticket
from ethops import conf
from ethops.desk.models import Occasion
from ethops.executor import targets
from ethops.notify.models import Contact, Notice
from ethops.sla.models import Stopwatch
from personas.approvals.models import Approval
from personas.models import Action

DAY: Final = timedelta(days=1)
WITHIN: Final = timedelta(hours=6)
"""So late a morning's handover is still told; after that the next one says it all."""
MOST: Final = 20
BY: Final = {"agent": "agents", "person": "people", "rule": "rules", "executor": "rules"}


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence; `ref` is the ticket that it is about, `action` the proposal, `page` a list."""

    text: str
    ref: str = ""
    action: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """What somebody who comes in the morning has to know."""

    since: datetime
    until: datetime
    happened: tuple[Line, ...]
    did: tuple[Line, ...]
    waits: tuple[Line, ...]


def handover(since: datetime, until: datetime) -> Handover:
    """Count it from tickets, deeds and actions, in a fixed number of queries."""
    return Handover(
        since,
        until,
        tuple(_happened(since, until)),
        tuple(_did(since, until)),
        tuple(_waits(until)),
    )


def text(of: Handover) -> str:
    """Say it as a message."""
    parts = [f"From {_clock(of.since)} to {_clock(of.until)}."]
    for head, lines, nothing in (
        ("What waits for you", of.waits, "Nothing."),
        ("What happened", of.happened, "Nothing."),
        ("What I did", of.did, "Nothing."),
    ):
        said = [f"- {one.text}" for one in lines] or [nothing]
        parts.append("\n".join([head, *said]))
    return "\n\n".join([*parts, f"{conf.house().url}/handover/"])


def hand_over() -> int:
    """Tell whoever wants it, once a day each; returns how many were told."""
    now = timezone.now()
    told = 0
    for contact in Contact.objects.exclude(handover_at=None).order_by("name"):
        day = _due(contact, now)
        if day is None:
            continue
        _, new = Occasion.objects.get_or_create(
            schedule=f"handover {contact.pk}", slot=day.toordinal()
        )
        if new:
            told += _tell(contact, now, str(day))
    return told


def _due(contact: Contact, now: datetime) -> date | None:
    """Return the day whose handover is due now by somebody's own clock."""
    local = now.astimezone(ZoneInfo(contact.zone))
    at = contact.handover_at
    if at is None:
        return None
    begin = datetime.combine(local.date(), at, local.tzinfo)
    return local.date() if begin <= local < begin + WITHIN else None


def _tell(contact: Contact, now: datetime, day: str) -> int:
    found = handover(now - DAY, now)
    kind, target = targets.of_kind(contact.kind, contact.target)
    waits = len(found.waits)
    _, new = Notice.objects.get_or_create(
        key=f"handover:{contact.pk}:{day}",
        defaults={
            "rule": "handover",
            "to": contact.name,
            "kind": kind,
            "target": target,
            "title": f"Good morning: {waits or 'nothing'} waits for you"
            if waits != 1
            else "Good morning: one thing waits for you",
            "text": text(found),
            "next_at": now,
        },
    )
    return int(new)


def _happened(since: datetime, until: datetime) -> list[Line]:
    opened = Ticket.objects.filter(opened_at__gte=since, opened_at__lt=until)
    lines = [
        Line(f"{_count(number, name)} opened.")
        for (name,), number in sorted(_numbers(opened, "ticket_class").items())
    ]
    ended: Counter[str] = Counter()
    for kind, number in _authors("ev_resolve", since, until):
        ended[BY.get(kind, kind)] += number
    lines += [Line(f"{number} resolved by {who}.") for who, number in sorted(ended.items())]
    again = _deeds("ev_reopen", since, until).values_list("ticket_id", flat=True)[:MOST]
    lines += [Line(f"{ref} was opened again.", ref) for ref in dict.fromkeys(again)]
    grave = Ticket.objects.filter(
        priority="P1", ticket_class="incident", opened_at__gte=since, opened_at__lt=until
    ).order_by("opened_at")
    lines += [Line(f"P1 {one.ref}: {one.title}", one.ref) for one in grave[:MOST]]
    return lines


def _deeds(stimulus: str, since: datetime, until: datetime) -> QuerySet[Deed]:
    return Deed.objects.filter(stimulus=stimulus, at__gte=since, at__lt=until).order_by("at")


def _authors(stimulus: str, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Return how often each kind of author gave a stimulus, who did first at first."""
    said = LogLine.objects.filter(ticket=OuterRef("ticket"), n=OuterRef("line"))
    kinds = Subquery(said.values("author_kind")[:1])
    found = _deeds(stimulus, since, until).order_by().annotate(kind=kinds).values("kind")
    counted = found.annotate(number=Count("pk"), first=Min("at")).order_by("first")
    return [(str(one["kind"] or "rule"), one["number"]) for one in counted]


def _numbers(rows: QuerySet[Any], *names: str) -> dict[tuple[str, ...], int]:
    """Count rows by what they have under these names."""
    counted = rows.order_by().values_list(*names).annotate(number=Count("pk"))
    return {tuple(one[:-1]): one[-1] for one in counted}


def _did(since: datetime, until: datetime) -> list[Line]:
    of_runs = Action.objects.filter(run__isnull=False).exclude(
        Q(verb__startswith="ticket.") | Q(verb="notify")
    )
    settled = of_runs.filter(settled_at__gte=since, settled_at__lt=until)
    done = _numbers(settled, "entry", "verb", "target", "outcome")
    lines = [
        Line(f"{entry or verb} on {target}: {outcome}{f', {number} times' if number > 1 else ''}.")
        for (entry, verb, target, outcome), number in sorted(done.items())[:MOST]
    ]
    asked = of_runs.filter(decided_at__gte=since, decided_at__lt=until)
    verdicts = _numbers(asked, "verdict")
    for verdict, words in (("denied", "Denied"), ("observed", "Only watched, and would have done")):
        if number := verdicts.get((verdict,)):
            lines.append(Line(f"{words}: {number}."))
    return lines


def _waits(now: datetime) -> list[Line]:
    approvals = Approval.objects.filter(state="waiting").order_by("expires_at")
    lines = [
        Line(
            f"Approve or refuse: {one.entry or 'an action'} on {one.target} for {one.ticket_ref}.",
            one.ticket_ref,
            str(one.pk),
        )
        for one in approvals[:MOST]
    ]
    careful = Q(state="planned", change__change_type__in=states.CAREFUL)
    people = Ticket.objects.filter(Q(state__in=states.WAITING) | careful)
    lines += [
        Line(f"{one.priority} {one.ref} {one.state.replace('_', ' ')}: {one.title}", one.ref)
        for one in people.order_by("priority", "opened_at")[:MOST]
    ]
    doubt = Action.objects.filter(work__state="in_doubt").order_by("decided_at")
    lines += [
        Line(f"In doubt: {one.entry or one.verb} on {one.target}.", one.ticket_ref)
        for one in doubt[:MOST]
    ]
    late = Stopwatch.objects.filter(phase__in=["running", "paused"], due_at__lt=now)
    refs = dict.fromkeys(late.order_by("due_at").values_list("ticket_ref", flat=True)[:MOST])
    lines += [Line(f"{ref} is late.", ref) for ref in refs]
    if found := proposing.waiting().count():
        said = "thing was" if found == 1 else "things were"
        lines.append(Line(f"{found} {said} found that the CMDB does not have.", page="proposals"))
    silent = Notice.objects.filter(until_acknowledged=True, acknowledged_at=None, told__gt=0)
    lines += [
        Line(f"Nobody has acknowledged: {one.title}", one.ticket_ref)
        for one in silent.order_by("made_at")[:MOST]
    ]
    return lines


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %B %H:%M} UTC"
