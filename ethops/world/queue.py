"""The runtime's queue as one picture: places, who waits for what, what lies aside or dead."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from personas import intents
from personas.agentops import acts
from personas.agentops.acts import Wait
from personas.agentops.models import Throttle
from personas.approvals.models import Approval
from personas.intents import Queue
from personas.models import Card, IsolatedCard, Run
from personas.runtime.admission import Waiting, turn
from personas.states import HAS_PLACE, LIVE

MOST: Final = 200
"""Runs of each kind that are looked at; the page says how many there are."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one card; None where its environment alone bounds it."""

    card: str
    at_work: int
    most: int | None
    waiting: int
    parked: int
    retrying: int
    isolated: str
    """Who lets it have no new runs, and why; empty where it may."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything at once, in a fixed number of queries."""

    at: datetime
    throttle: Throttle | None
    environments: tuple[Queue, ...]
    cards: tuple[Places, ...]
    waiting: tuple[Run, ...]
    """In the order in which they get a place."""
    at_work: tuple[Run, ...]
    retrying: tuple[Run, ...]
    next_try: dict[str, datetime]
    """Run -> when its step is taken again."""
    parked: tuple[Approval, ...]
    held: tuple[Run, ...]
    dead: tuple[Run, ...]
    waits: dict[UUID, list[Wait]]


def picture() -> Picture:
    """Look at the queue."""
    runs = list(
        Run.objects.filter(state__in=[*LIVE, "isolated"])
        .select_related("intent")
        .order_by("created_at")
    )
    waits: dict[UUID, list[Wait]] = {}
    for one in acts.waits():
        waits.setdefault(one.run, []).append(one)
    pending = [run for run in runs if run.state == "pending"]
    return Picture(
        at=timezone.now(),
        throttle=Throttle.objects.filter(id=1).first(),
        environments=tuple(intents.queues()),
        cards=tuple(_cards(runs)),
        waiting=tuple(sorted(pending, key=_turn)[:MOST]),
        at_work=tuple(run for run in runs if run.state in HAS_PLACE and run.state != "retrying"),
        retrying=tuple(run for run in runs if run.state == "retrying"),
        next_try=_next_try(),
        parked=tuple(_parked()),
        held=tuple(run for run in runs if run.state in ("paused", "isolated")),
        dead=tuple(_dead()[:MOST]),
        waits=waits,
    )


def _turn(run: Run) -> tuple[float, str]:
    asked = run.created_at.timestamp()
    return turn(Waiting(str(run.id), run.card_id, run.intent.priority, asked))


def _next_try() -> dict[str, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.subject, w.not_before FROM audit_work w JOIN personas_run r"
            " ON r.id::text = w.subject AND r.state = 'retrying'"
            " WHERE w.kind = 'step' AND w.state = 'ready'"
        )
        return dict(cursor.fetchall())


def _parked() -> QuerySet[Approval]:
    parked = Approval.objects.filter(state="waiting", run__ended_at=None)
    return parked.select_related("action", "run").order_by("expires_at")[:MOST]


def _dead() -> QuerySet[Run]:
    return Run.objects.filter(dead_letter=True, state="failed").order_by("-ended_at")


def _cards(runs: list[Run]) -> list[Places]:
    counts = {card: Counter[str]() for card in {run.card_id for run in runs}}
    for run in runs:
        counts[run.card_id][run.state] += 1
    shut = {one.card_id: f"{one.by}: {one.why}" for one in IsolatedCard.objects.all()}
    return [
        Places(
            card=card.name,
            at_work=sum(counts.get(card.name, Counter())[state] for state in HAS_PLACE),
            most=card.limits.get("max_concurrent"),
            waiting=counts.get(card.name, Counter())["pending"],
            parked=counts.get(card.name, Counter())["parked"],
            retrying=counts.get(card.name, Counter())["retrying"],
            isolated=shut.get(card.name, ""),
        )
        for card in Card.objects.filter(enabled=True).order_by("name")
        if card.name in counts or card.name in shut
    ]
