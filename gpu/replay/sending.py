"""Sends a trace to the real queue: each job when it is due, a chain's next after the last's end.

The sender writes `enqueued` into the event log, the simulated server the rest, all with the
machine's one monotonic clock.
"""

import heapq
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from django.db import connection

from adapters.json_value import JSON
from gpu import relay, rows
from gpu.replay.events import Event
from gpu.replay.trace import TraceJob
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import queue_name

LOOK_SECONDS = 0.01
WARM_ROUNDS = 3
WARM_SECONDS = 0.5
LONGEST_DEADLINE_SECONDS = 6 * 3600.0


class StalledError(Exception):
    """Nothing has ended for a long time although jobs wait."""


class Sender:
    """One trace on its way; `told` is called with how many have ended."""

    def __init__(
        self, jobs: Sequence[TraceJob], scale: float, log: Path, told: Callable[[int], None]
    ) -> None:
        self._scale = scale
        self._told = told
        self._log = log.open("a", encoding="utf-8", buffering=1)
        self._after: dict[int, list[TraceJob]] = defaultdict(list)
        self._due: list[tuple[float, int]] = []
        self._jobs = {job.id: job for job in jobs}
        self._open: dict[UUID, int] = {}
        self._ended = 0
        for job in jobs:
            if job.after is None:
                heapq.heappush(self._due, ((job.at or 0.0) * scale, job.id))
            else:
                self._after[job.after].append(job)

    def send_all(self, stalled_after_s: float = 120.0) -> None:
        """Send everything and return when all has ended.

        Raises:
            StalledError: no job ended for so long.
        """
        _warm(next(iter(self._jobs.values())))
        began = moved = time.monotonic()
        while self._due or self._open:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now - began:
                self._send(heapq.heappop(self._due)[1])
                moved = now
            if self._look(time.monotonic() - began):
                moved = time.monotonic()
            if self._open and time.monotonic() - moved > stalled_after_s:
                raise StalledError(f"{len(self._open)} jobs wait, and none ended for long")
            next_at = self._due[0][0] if self._due else math.inf
            until = min(next_at - (time.monotonic() - began), LOOK_SECONDS)
            time.sleep(max(until, 0.0))
        self._log.close()

    def _send(self, number: int) -> None:
        job = self._jobs[number]
        request = _request(job)
        self._log.write(Event("enqueued", time.monotonic(), job=number).line() + "\n")
        job_id = rows.submit(request)
        self._open[job_id] = number
        relay.publish(queue_name(job.tier, job.slot), job_id)

    def _look(self, now: float) -> bool:
        if not self._open:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM audit_work WHERE id = ANY(%s)"
                " AND state IN ('done', 'failed', 'cancelled', 'dead')",
                [list(self._open)],
            )
            ended = [row[0] for row in cursor.fetchall()]
        for job_id in ended:
            number = self._open.pop(job_id)
            self._ended += 1
            for job in self._after[number]:
                heapq.heappush(self._due, (now + job.think * self._scale, job.id))
        if ended:
            self._told(self._ended)
        return bool(ended)


def _warm(job: TraceJob) -> None:
    """Open every connection on the way with a request that is taken back before it is sent."""
    for _ in range(WARM_ROUNDS):
        job_id = rows.submit(_request(job))
        rows.cancel(job_id, "only to warm up")
        relay.publish(queue_name(job.tier, job.slot), job_id)
        time.sleep(WARM_SECONDS)


def _request(job: TraceJob) -> Request:
    words = "w " * job.tokens_in
    body: dict[str, JSON] = {"input": [words]}
    if not job.embeds:
        body = {
            "messages": [{"role": "user", "content": words}],
            "sampling": {"num_predict": job.tokens_out},
        }
    return Request(
        tier=job.tier,
        slot=job.slot,
        kind=JobKind.EMBED if job.embeds else JobKind.CHAT,
        principal=f"run:{job.run}",
        body=body,
        label=str(job.id),
        more=job.more,
        tokens_asked=job.tokens_in,
        deadline_s=LONGEST_DEADLINE_SECONDS,
        max_waiting=100_000,
    )
