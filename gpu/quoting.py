"""When each waiting request will start and end: told from the rows, for pages, API and proxy.

The rows say what waits and what runs, `gpu/quotes.py` plays the policy forward on it. Seconds here
are real ones; the policy's own run faster in a replay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from gpu import conf
from gpu.models import Card, Slot
from gpu.policy.chosen import named
from gpu.quotes import CardNow, Job, Now
from gpu.quotes import quotes as foretold
from gpu.states import Doing
from gpu.tiers import RANK, Tier
from gpu.worker import knowing
from gpu.worker.current import Clock

TOKENS_OUT: Final = 400.0
"""Of a chat answer, until answers of its slot have been measured."""
HOLD_S: Final = 600.0
"""Of foreign work, which does not say how long it takes."""
LEAST_LEFT_S: Final = 0.5
"""Of work that should be over by now, and is not."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What one waiting request can expect; times are seconds from now.

    They are None while no card is up that could serve it: nobody knows.
    """

    job_id: UUID
    position: int
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A waiting request as its row has it; `arrival` in epoch seconds."""

    id: UUID
    tier: Tier
    slot: str
    arrival: float
    tokens_in: int
    tokens_done: int
    num_predict: str | None
    quoted: bool


_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
_WAITING = """
    SELECT w.id, j.tier, j.slot, extract(epoch FROM w.created_at)::float8, j.tokens_asked,
           j.tokens_done, j.request #>> '{sampling,num_predict}', j.quoted_start IS NOT NULL
      FROM audit_work w JOIN gpu_job j ON j.id = w.id
     WHERE w.kind = 'inference' AND w.state IN ('waiting', 'ready')
     ORDER BY w.created_at, w.id
"""
_ARRIVED = """
    SELECT c.name, w.created_at FROM gpu_card c JOIN audit_work w ON w.id = c.doing_job
"""
_SOME_UNQUOTED = """
    SELECT EXISTS (SELECT 1 FROM audit_work w JOIN gpu_job j ON j.id = w.id
        WHERE w.kind = 'inference' AND w.state IN ('waiting', 'ready')
          AND j.quoted_start IS NULL)
"""
_STORE = """
    SELECT gpu.quote(x.id, x.starts, x.ends)
      FROM unnest(%s::uuid[], %s::float8[], %s::float8[]) AS x(id, starts, ends)
"""


def quotes() -> list[Quote]:
    """Return a quote for every waiting request, the next one first."""
    return _told()[1]


def quote_new() -> list[Quote]:
    """Store a quote for every request that has none, and return those; the first one stays."""
    if not _rows(_SOME_UNQUOTED)[0][0]:
        return []
    asked, told = _told()
    old = {job.id for job in asked if job.quoted}
    new = [quote for quote in told if quote.job_id not in old]
    timed = [
        (q.job_id, q.start_s, q.end_s) for q in new if q.start_s is not None and q.end_s is not None
    ]
    if timed:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*timed, strict=True)]
            cursor.execute(_STORE, columns)
    return new


def _told() -> tuple[list[Asked], list[Quote]]:
    asked = [Asked(row[0], Tier(row[1]), *row[2:]) for row in _rows(_WAITING)]
    if not asked:
        return [], []
    slots = knowing.slots()
    now = float(_rows(_NOW)[0][0])
    arrived: dict[str, datetime] = dict(_rows(_ARRIVED))
    cards = [card for card in Card.objects.filter(enabled=True) if up(card, now)]
    return asked, foretell(now, asked, cards, arrived, slots)


def foretell(
    now: float,
    asked: Sequence[Asked],
    cards: Sequence[Card],
    arrived: Mapping[str, datetime],
    slots: Mapping[str, Slot],
) -> list[Quote]:
    """Return the quotes of what waits; `cards` are up, `arrived` is by the card's name."""
    clock = Clock(scale=conf.scale())
    there = clock.of(now)
    found = foretold(
        there,
        [_job(one, clock, slots) for one in asked],
        [_card(card, clock, now, arrived.get(card.name), slots) for card in cards],
        named(conf.policy()),
    )
    told = [
        Quote(
            UUID(one.id),
            one.position,
            max(one.start - there, 0.0) * clock.scale,
            max(one.end - there, 0.0) * clock.scale,
        )
        for one in found
    ]
    return told + _unknown(asked, {quote.job_id for quote in told})


def up(card: Card, now: float) -> bool:
    """Tell whether a card serves anybody at a time in epoch seconds."""
    lease = card.lease_until
    return lease is not None and lease.timestamp() > now and card.doing != Doing.SICK


def _unknown(asked: Sequence[Asked], known: set[UUID]) -> list[Quote]:
    rest = [job for job in asked if job.id not in known]
    rest.sort(key=lambda job: (RANK[job.tier], job.arrival))
    return [Quote(job.id, len(known) + n, None, None) for n, job in enumerate(rest, 1)]


def _job(one: Asked, clock: Clock, slots: Mapping[str, Slot]) -> Job:
    slot = slots.get(one.slot)
    embeds = slot is not None and slot.kind == "embed"
    return Job(
        id=str(one.id),
        tier=one.tier,
        slot=one.slot,
        arrival=clock.of(one.arrival),
        tokens_in=one.tokens_in + one.tokens_done,
        tokens_out=0.0 if embeds else _tokens_left(one, slot),
        embeds=embeds,
    )


def _tokens_left(one: Asked, slot: Slot | None) -> float:
    # Foreign work is counted as one token a second.
    most = HOLD_S if slot is None else slot.mean_tokens_out or TOKENS_OUT
    said = one.num_predict or ""
    if said.isdigit() and int(said) > 0:
        most = min(most, float(said))
    return max(most - one.tokens_done, 1.0)


def _card(
    card: Card, clock: Clock, now: float, arrived: datetime | None, slots: Mapping[str, Slot]
) -> CardNow:
    state = knowing.remembered(card).with_resident(card.resident)
    facts = knowing.facts(card, slots)
    running = None
    if card.doing != Doing.IDLE and card.doing_tier in set(Tier):
        slot = slots.get(card.doing_slot)
        running = Now(
            tier=Tier(card.doing_tier),
            slot=card.doing_slot,
            embeds=slot is not None and slot.kind == "embed",
            arrived=clock.of(arrived.timestamp() if arrived else now),
            ends_at=clock.of(_ends(card, now, slot)),
            # A command gives the card back when it likes, as a load does.
            loading=card.doing in (Doing.LOADING, Doing.HELD),
        )
    return CardNow(card.name, state, facts, running)


def _ends(card: Card, now: float, slot: Slot | None) -> float:
    """Return when what the card does will be over, as far as anything says so."""
    if card.free_at is not None and card.free_at.timestamp() > now:
        return card.free_at.timestamp()
    since = card.doing_since.timestamp() if card.doing_since else now
    whole = HOLD_S
    if slot is not None:
        speed = slot.measured_tokens_per_s or slot.tokens_per_s
        whole = 0.0 if slot.kind == "embed" else (slot.mean_tokens_out or TOKENS_OUT) / speed
        if card.doing == Doing.LOADING:
            whole += slot.measured_load_s or slot.load_s
    # What is overdue takes a while yet, the longer the longer it has been.
    return max(since + whole * conf.scale(), now + max(LEAST_LEFT_S, 0.1 * (now - since)))


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
