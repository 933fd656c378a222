"""The desk's watch over agents at work: what is found has a consequence, and its ticket is told."""

import logging
from collections import defaultdict
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from adapters.environments import OPERATIONS
from adapters.errors import AdapterError
from adapters.tickets.errors import TicketNotFoundError
from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion
from ethops.executor import tickets
from personas import intents
from personas.agentops import acts, detectors
from personas.agentops.detectors import Anomaly, AtWork, Deadlock
from personas.agentops.models import AgentEvent, Finding
from personas.memory import learning
from personas.models import AgentIntent, Run

INTERVAL_SECONDS = 5
NAMESPACE = UUID("2f0d7c2b-2f5e-4c5b-9f2c-5f4b7e6a1d04")
RULE = "agent watch"
PACE = timedelta(seconds=60)
"""Over so long it is seen how fast the queue grows."""
KEEP_DAYS = 400

log = logging.getLogger(__name__)


def watch() -> None:
    """Look every five seconds, whoever asks."""
    if begin_occasion("watch agents", INTERVAL_SECONDS):
        look()
    if begin_occasion("forget events of agents", 3_600):
        acts.forget(days=KEEP_DAYS)
        learning.forget()
    if begin_occasion("learn from runs", 30):
        learning.learn_some()


def look() -> None:
    """Find circles, runs gone astray and a queue that fills; act, then tell the tickets."""
    at_work = _at_work()
    _end_circles(at_work)
    _end_strays(at_work)
    set_throttle()
    for finding in Finding.objects.filter(told_at=None).order_by("at")[:50]:
        _tell(finding)


def _at_work() -> list[AtWork]:
    calls = acts.calls()
    runs = Run.objects.filter(ended_at=None).order_by("created_at")
    return [
        AtWork(run.id, run.card_id, run.ticket_ref, calls[run.id].all, run.created_at)
        for run in runs
        if run.id in calls
    ]


def _end_circles(at_work: list[AtWork]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT child, parent, ci FROM agentops_blocked_by")
        waits = cursor.fetchall()
    if not waits:
        return
    born = {one.run: one.born_at for one in at_work}
    cis = {(child, parent): ci for child, parent, ci in waits}
    for found in detectors.deadlocks(cis, born):
        acts.found("deadlock", found.ended, *_of_deadlock(found, cis))


def _of_deadlock(
    found: Deadlock, cis: dict[tuple[UUID, UUID], str]
) -> tuple[str, dict[str, object]]:
    pairs = list(zip(found.circle, (*found.circle[1:], found.circle[0]), strict=True))
    named = "; ".join(
        f"{_short(a)} waits for {_short(b)} to let go of {cis[a, b]}" for a, b in pairs
    )
    said = f"Runs waited for each other in a circle ({named}). The youngest was ended."
    return said, {"circle": [str(run) for run in found.circle], "cis": [cis[one] for one in pairs]}


def _end_strays(at_work: list[AtWork]) -> None:
    earlier: dict[str, list[int]] = defaultdict(list)
    for card in {one.card for one in at_work if one.calls >= detectors.TIMES_USUAL}:
        ended = AgentEvent.objects.filter(agent_role=card).order_by("-ended_at")
        did = F("tool_call_count") + F("questions") + F("looks")
        earlier[card] = list(ended.values_list(did, flat=True)[: detectors.LOOKS_BACK])
    for _, found in detectors.anomalies(at_work, earlier):
        acts.found("anomaly", found.run, *_of_anomaly(found, acts.calls_of(found.run)))


def _of_anomaly(found: Anomaly, calls: acts.Calls) -> tuple[str, dict[str, object]]:
    said = (
        f"The run did {found.calls} things ({calls.proposals} proposals, {calls.questions}"
        f" questions to models, {calls.looks} looks), where runs of its card usually do"
        f" {found.usual}. It was ended."
    )
    facts = {"calls": found.calls, "usual": found.usual, "times": detectors.TIMES_USUAL}
    return said, {**facts, **asdict(calls)}


def set_throttle() -> None:
    """Close admission to operations as far as its queue will be deep, or open it."""
    since = timezone.now() - PACE
    waits = next(one for one in intents.queues() if one.environment == OPERATIONS)
    own = AgentIntent.objects.filter(environment=OPERATIONS)
    ahead = detectors.predicted(
        waits.queued,
        arrived=own.filter(created_at__gt=since).count(),
        left=Run.objects.filter(intent__in=own, started_at__gt=since).count(),
        seconds=PACE.total_seconds(),
    )
    closed = detectors.closing(ahead, bound=waits.max_queued)
    said = (
        f"{waits.queued} runs wait, {ahead} are expected in a minute, of at most"
        f" {waits.max_queued}: admission is {closed.level}."
    )
    acts.set_throttle(closed, depth=waits.queued, predicted=ahead, said=said)


def _tell(finding: Finding) -> None:
    """Tell the run's ticket, or a person where there is none; what fails is tried again."""
    key = f"finding:{finding.pk}"
    try:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    tickets.comment_by_rule(
                        key=uuid5(NAMESPACE, key),
                        ref=finding.ticket_ref,
                        rule=RULE,
                        text=finding.said,
                        tainted=False,
                    )
            except TicketNotFoundError:
                dispatch.open_for_person(
                    occasion=key,
                    title=f"A run of {finding.card} was ended: {finding.kind}",
                    description=finding.said,
                    facts={"finding": finding.pk, "detector": finding.kind},
                )
            acts.told(finding.pk)
    except (DatabaseError, AdapterError) as fault:
        log.warning("finding %s could not be told: %s", finding.pk, fault)


def _short(run: UUID) -> str:
    return f"run {str(run)[:4]}"
