"""The worker's doors: one function per SQL function, each with the card's or the job's fence."""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error, InterfaceError, OperationalError, connection

from adapters.json_value import JSON
from audit.work.rows import Parameter
from gpu.errors import LostCardError
from gpu.states import Ending, PieceKind
from gpu.tiers import Tier

log = logging.getLogger(__name__)

LOST = "GQ004"
SETTLING_SECONDS = 20.0
"""So long the end of a job waits for a database that is started again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this worker holds; `fence` proves it, `arrival` is in epoch seconds."""

    id: UUID
    fence: int
    attempts: int
    tier: Tier
    slot: str
    kind: str
    principal: str
    run: UUID | None
    label: str
    request: dict[str, Any]
    streams: bool
    bound: bool
    more: bool
    tokens_asked: int
    partial: dict[str, Any]
    tokens_done: int
    preemptions: int
    arrival: float
    deadline: float
    """When it has to be over, in this process's monotonic seconds."""

    @property
    def queue(self) -> str:
        """The queue it came from."""
        return f"{self.tier}.{self.slot}"


@dataclass(frozen=True, slots=True)
class Fellow:
    """A job that may go along; `manner` is how it wants its vectors: truncate, dimensions."""

    id: UUID
    tokens: int
    manner: tuple[bool | None, int | None]


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is heard of a foreign command: its exit code, silence in seconds, cancelled."""

    exit: int | None
    silent_s: float
    cancelled: bool


# ---------------------------------------------------------------- the card
def take_card(card: str, holder: str, lease_s: float, dead_holder: str) -> int | None:
    """Return the fence of a card that is free or whose holder is dead; None where it is taken."""
    fence = _value("SELECT gpu.take_card(%s, %s, %s, %s)", card, holder, lease_s, dead_holder)
    return None if fence is None else int(fence)


def beat_card(card: str, fence: int, lease_s: float, jobs: Iterable[UUID]) -> bool:
    """Renew the lease of the card and of the jobs in hand; False where the card was lost."""
    named = "{" + ",".join(map(str, jobs)) + "}"
    return bool(_value("SELECT gpu.beat_card(%s, %s, %s, %s::uuid[])", card, fence, lease_s, named))


def leave_card(card: str, fence: int) -> None:
    """Give the card's lease back."""
    _value("SELECT gpu.leave_card(%s, %s)", card, fence)


def show_card(card: str, fence: int, **said: object) -> None:
    """Say what the card does: resident, policy, doing, tier, slot, job, free_in_s, fault..."""
    _tell("SELECT gpu.show_card(%s, %s, %s::jsonb)", card, fence, json.dumps(said, default=str))


def note_piece(
    card: str,
    fence: int,
    *,
    kind: PieceKind,
    tier: str,
    slot: str,
    job: UUID | None,
    seconds: float,
    ending: Ending,
    tokens: int = 0,
) -> None:
    """Write one piece of the card's time that ends now."""
    _tell(
        "SELECT gpu.note_piece(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        *(card, fence, kind, tier, slot, job, seconds, ending, tokens),
    )


def measure(
    slot: str,
    *,
    load_s: float | None = None,
    tokens_per_s: float | None = None,
    prefill_per_s: float | None = None,
    tokens_out: float | None = None,
) -> None:
    """Add measured times of a slot to its means."""
    _tell(
        "SELECT gpu.measure(%s, %s, %s, %s, %s)",
        *(slot, load_s, tokens_per_s, prefill_per_s, tokens_out),
    )


def see_digest(slot: str, digest: str) -> str:
    """Compare a model's digest with the pinned one: same, pinned (first sight) or changed."""
    return str(_value("SELECT gpu.see_digest(%s, %s)", slot, digest))


# ---------------------------------------------------------------- jobs
def claim_job(card: str, fence: int, job_id: UUID, lease_s: float) -> Claim | None:
    """Take a job; None where it is not ready any more.

    Raises:
        LostCardError: the card's lease is not ours.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                "SELECT * FROM gpu.claim_job(%s, %s, %s, %s)", [card, fence, job_id, lease_s]
            )
        except Error as fault:
            if getattr(fault.__cause__, "sqlstate", "") == LOST:
                raise LostCardError(str(fault).splitlines()[0]) from fault
            raise
        names = [column.name for column in cursor.description or ()]
        row = cursor.fetchone()
    if row is None:
        return None
    said: dict[str, Any] = dict(zip(names, row, strict=True))
    for name in ("request", "partial"):
        if isinstance(said[name], str):
            said[name] = json.loads(said[name])
    left_s = said.pop("left_s")
    return Claim(**{**said, "tier": Tier(said["tier"]), "deadline": time.monotonic() + left_s})


def company(queue: str, kind: str, limit: int) -> list[Fellow]:
    """Return further jobs of a queue, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, tokens, truncate, dimensions FROM gpu.company(%s, %s, %s)",
            [queue, kind, limit],
        )
        return [Fellow(row[0], row[1], (row[2], row[3])) for row in cursor.fetchall()]


def begin_job(claim: Claim, *, load_s: float, swapped: bool, digest: str) -> None:
    """Say that the card works on it now: its wait is over."""
    _value(
        "SELECT gpu.begin_job(%s, %s, %s, %s, %s)",
        *(claim.id, claim.fence, load_s, swapped, digest),
    )


def cancel_asked(job_id: UUID) -> bool:
    """Tell whether nobody waits for it any more."""
    return bool(_value("SELECT gpu.cancel_asked(%s)", job_id))


def ops_wait() -> bool:
    """Tell whether a job of the highest tier is ready."""
    return bool(_value("SELECT gpu.ops_wait()"))


def put_back(claim: Claim, partial: Mapping[str, JSON], tokens: int, busy_s: float) -> bool:
    """Give a preempted job back with what it has said so far; False where it was lost."""
    return bool(
        _settle(
            "SELECT gpu.put_back(%s, %s, %s::jsonb, %s, %s)",
            *(claim.id, claim.fence, json.dumps(partial), tokens, busy_s),
        )
    )


def try_again(
    claim: Claim,
    code: str,
    error: str,
    delay_s: float,
    busy_s: float = 0.0,
    partial: Mapping[str, JSON] | None = None,
    tokens: int = 0,
) -> str:
    """Give a failed job back for a later try: ready, dead after the last one, or late.

    It begins anew, unless a partial answer comes along.
    """
    return str(
        _settle(
            "SELECT gpu.try_again(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
            *(claim.id, claim.fence, code, error, delay_s, busy_s),
            *(json.dumps(partial or {}), tokens),
        )
    )


def finish_job(
    claim: Claim,
    ending: Ending,
    *,
    answer: Mapping[str, JSON] | None = None,
    code: str = "",
    error: str = "",
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    busy_s: float = 0.0,
) -> str:
    """End a job with its cost; `late` where it was no longer ours."""
    return str(
        _settle(
            "SELECT gpu.finish_job(%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
            *(claim.id, claim.fence, ending, None if answer is None else json.dumps(answer)),
            *(code, error, tokens_in, tokens_out, busy_s),
        )
    )


def ask_back(job_id: UUID) -> None:
    """Ask a foreign command that agreed to it to give the card back."""
    _value("SELECT gpu.ask_back(%s)", job_id)


def foreign_look(job_id: UUID) -> Foreign:
    """Return what is heard of a foreign command."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gpu.foreign_look(%s)", [job_id])
        row = cursor.fetchone()
    return Foreign(*row) if row else Foreign(None, float("inf"), cancelled=True)


def leave_hold(claim: Claim) -> None:
    """Leave a foreign command its card: the next worker of the card goes on waiting for it."""
    _settle("SELECT gpu.leave_hold(%s, %s)", claim.id, claim.fence)


def hold_before(card: str) -> tuple[UUID, str] | None:
    """Return the foreign command that has this card though no worker waits for it: id, queue."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, queue FROM gpu.hold_before(%s)", [card])
        row = cursor.fetchone()
    return None if row is None else (row[0], row[1])


def _tell(statement: str, *parameters: Parameter) -> None:
    """Say what people and quotes are shown; a database that is away hears it another time."""
    try:
        _value(statement, *parameters)
    except Error as fault:
        log.warning("not shown: %s", fault)
        connection.close()


def _settle(statement: str, *parameters: Parameter) -> Any:
    """Say what became of a job, again and again while the database is away for a moment.

    Said a second time it changes nothing: the fence is used up.
    """
    until = time.monotonic() + SETTLING_SECONDS
    while True:
        try:
            return _value(statement, *parameters)
        except (OperationalError, InterfaceError) as fault:
            if time.monotonic() > until:
                raise
            log.warning("not settled yet: %s", fault)
            connection.close()
            time.sleep(0.2)


def _value(statement: str, *parameters: Parameter) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
