"""Whether the job on the card has to stop: asked between tokens, and while none comes."""

import logging
import math
import time
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import Error, connection

from gpu.policy.view import Running
from gpu.states import JobKind
from gpu.tiers import RANK, Tier
from gpu.worker import doors, knowing, saying
from gpu.worker.current import Held
from gpu.worker.doors import Claim
from gpu.worker.order import Placement, seen_waiting

log = logging.getLogger(__name__)

QUICK_SECONDS = 0.1
"""How often it is asked whether operations wait: a token takes 20 to 45 ms."""
WHOLE_SECONDS = 1.0
"""How often the policy sees everything that waits."""
SHORTEST_SECONDS = 0.004
CANCEL_SECONDS = 0.25


class Stop(StrEnum):
    """Why a job stops before its end."""

    PREEMPTED = "preempted"
    CANCELLED = "cancelled"
    LEAVING = "leaving"


@dataclass
class Watch:
    """One stretch of one job on the card; `tokens` is kept by whoever streams."""

    held: Held
    claim: Claim
    began: float
    expected_end: float | None = None
    began_at: float = field(default_factory=time.monotonic)
    tokens: int = 0
    why: Stop | None = None
    _quick_at: float = 0.0
    _whole_at: float = 0.0
    _cancel_at: float = 0.0

    def stop(self) -> bool:
        """Tell whether to stop now; `why` says why. Most calls look at a clock and no more."""
        if self.why is None:
            try:
                self.why = self._look(time.monotonic())
            except Error as fault:
                # A database that is away for a moment is no reason to lose what was said.
                log.warning("nobody knows whether %s has to stop: %s", self.claim.id, fault)
                connection.close()
        return self.why is not None

    def _look(self, now: float) -> Stop | None:
        if self.held.leaving:
            return Stop.LEAVING
        if now >= self._cancel_at:
            self._cancel_at = now + CANCEL_SECONDS
            if doors.cancel_asked(self.claim.id):
                return Stop.CANCELLED
        if RANK[self.claim.tier] == 0 or self.claim.kind == JobKind.EMBED:
            return None
        return Stop.PREEMPTED if self._must_give_way(now) else None

    def _must_give_way(self, now: float) -> bool:
        if now < self._quick_at:
            return False
        self._quick_at = now + self._grain(QUICK_SECONDS)
        due = now >= self._whole_at
        if not due and not doors.ops_wait():
            return False
        self._whole_at = now + self._grain(WHOLE_SECONDS)
        return gives_way(self.held, self.running())

    def running(self) -> Running:
        """Return the job as the policy sees it."""
        return Running(
            self.claim.tier,
            self.claim.slot,
            self.claim.kind == JobKind.EMBED,
            self.began,
            self.tokens,
            self.expected_end,
            self._ends_by(),
        )

    def _ends_by(self) -> float | None:
        """Return when its limit of tokens is reached, None where it has none."""
        limit = saying.limit_of(self.claim.request)
        facts = self.held.facts.slots.get(self.claim.slot)
        # A replay's limit is the very length of the answer, which nobody knows beforehand.
        replayed = self.held.clock.scale != 1.0
        if limit is None or replayed or facts is None or facts.embeds:
            return None
        now, done = self.held.clock.now(), self.claim.tokens_done
        reading = (self.claim.tokens_asked + done) / facts.prefill_per_s
        by_clock = self.began + reading + max(limit - done, 0) / facts.tokens_per_s
        if self.tokens <= done:
            return max(by_clock, now)
        # A piece may hold several tokens, so that counting them is on the late side.
        by_count = now + max(limit - self.tokens, 0) / facts.tokens_per_s
        return min(by_clock, by_count) if by_clock > now else by_count

    def _grain(self, seconds: float) -> float:
        return max(seconds * self.held.clock.scale, SHORTEST_SECONDS)


def gives_way(held: Held, running: Running) -> bool:
    """Tell whether the policy lets this job go on."""
    if running.tier == Tier.OPS:
        return False
    now = held.clock.now()
    knowing.refresh_cards(held)
    takes = Placement(held)
    waiting = [one for one in seen_waiting(held.clock, held) if takes(one.tier, one.slot)]
    at = held.policy.gives_way_at(now, waiting, held.state, running, held.facts)
    return not math.isinf(at) and at <= now
