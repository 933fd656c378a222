"""The doors to the queue for those who ask: submit, cancel, look. Each is one SQL function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import Error, connection

from adapters.json_value import JSON
from audit.work.rows import Parameter
from gpu.errors import ClientFullError, GpuError, QueueFullError, UnknownSlotError
from gpu.models import Job, Slot
from gpu.states import JobKind
from gpu.tiers import Tier

DEADLINE_SECONDS = {Tier.OPS: 300.0, Tier.EMBEDDING: 3600.0, Tier.RESEARCH: 6 * 3600.0}
"""How long a request of a tier may wait and run in all, unless its asker says less."""

_REFUSALS: Mapping[str, type[GpuError]] = {
    "GQ001": QueueFullError,
    "GQ002": ClientFullError,
    "GQ003": UnknownSlotError,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the card; `body` has the keys of its kind (docs/reference/gpu.md)."""

    tier: Tier
    slot: str
    kind: JobKind
    principal: str
    body: Mapping[str, JSON]
    client: str = ""
    label: str = ""
    streams: bool = False
    bound: bool = False
    more: bool = False
    tokens_asked: int = 0
    deadline_s: float | None = None
    max_waiting: int = 512


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as its asker may see it; `state` is that of its work."""

    id: UUID
    state: str
    answer: dict[str, JSON] | None
    error_code: str
    error: str
    tokens_in: int | None
    tokens_out: int | None
    wait_s: float | None
    load_s: float
    latency_s: float | None
    preemptions: int
    started_at: datetime | None
    finished_at: datetime | None
    slot: str

    @property
    def over(self) -> bool:
        """True once nothing more will come."""
        return self.state in ("done", "failed", "cancelled", "dead")


@dataclass(frozen=True, slots=True)
class QueueLength:
    """What waits in one queue: how much, since when (epoch seconds), and its prompts' tokens."""

    queue: str
    jobs: int
    oldest: float
    tokens: int
    begun: bool


def submit(request: Request) -> UUID:
    """Write one job, ready to be worked on, in the caller's transaction.

    The caller publishes it after its commit (`gpu/relay.py`); what is not published within
    seconds, the relay finds.

    Raises:
        UnknownSlotError: no such slot for this tier.
        QueueFullError: 512 requests wait already.
        ClientFullError: this client's share waits already.
    """
    try:
        return UUID(
            str(
                _scalar(
                    "SELECT gpu.request(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s)",
                    request.tier,
                    request.slot,
                    request.kind,
                    request.principal,
                    request.client,
                    request.label,
                    json.dumps(request.body),
                    request.streams,
                    request.bound,
                    request.more,
                    request.tokens_asked,
                    request.deadline_s or DEADLINE_SECONDS[request.tier],
                    request.max_waiting,
                )
            )
        )
    except Error as fault:
        refusal = _REFUSALS.get(getattr(fault.__cause__, "sqlstate", None) or "")
        if refusal is None:
            raise
        raise refusal(str(fault).splitlines()[0]) from fault


def cancel(job_id: UUID, why: str) -> bool:
    """Take a job out of the queue, or stop it between two tokens; False where it was over."""
    return bool(_scalar("SELECT gpu.cancel(%s, %s)", job_id, why))


def job(job_id: UUID) -> JobRow | None:
    """Return one job with the state of its work."""
    found = Job.objects.select_related("id").filter(pk=job_id).first()
    if found is None:
        return None
    work = found.id
    return JobRow(
        id=work.id,
        state=work.state,
        answer=found.answer,
        error_code=found.error_code,
        error=work.error,
        tokens_in=found.tokens_in,
        tokens_out=found.tokens_out,
        wait_s=found.wait_s,
        load_s=found.load_s,
        latency_s=found.latency_s,
        preemptions=found.preemptions,
        started_at=found.started_at,
        finished_at=found.finished_at,
        slot=found.slot,
    )


def waiting() -> list[QueueLength]:
    """Return what waits, one row per queue that is not empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue, jobs, oldest, tokens, begun FROM gpu.waiting()")
        return [QueueLength(*row) for row in cursor.fetchall()]


def slots(tier: Tier | None = None) -> list[Slot]:
    """Return the slots in use, or those of one tier, by name."""
    found = list(Slot.objects.filter(enabled=True).order_by("name"))
    return [slot for slot in found if tier is None or tier in slot.tiers]


def _scalar(statement: str, *parameters: Parameter) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else row[0]
