"""The policy we run: strict tiers, few changes of model, ops at once, and nobody forgotten.

Four rules beside the order of the tiers:

* a **visit**: the resident slot goes on although an older job of its tier waits for another
  slot, but overtakes it for so many seconds at most; whenever a model has to be loaded anyway,
  the oldest job of the tier chooses which;
* a **hold**: embeddings that need a load wait for company while research goes on without one;
* a **linger**: while a run of agents will ask again, nothing lower is loaded, what is resident
  goes on within its visit, and another ops slot waits a moment;
* **giving way**: ops stop what is lower between two tokens, embeddings that are late stop
  research, and what is nearly done is let finish.

Starvation bound. While a job waits, each other slot of its tier works at most its visit and one
job more on jobs that came later; with S slots, visits of V and jobs of at most J seconds, later
jobs take at most (S - 1) * (V + J) seconds of its tier's own time on the card from it. Older
jobs go first as in plain first come, first served. Across tiers there is no bound: a higher
tier always goes first. Embeddings that need a load wait for company no longer than the hold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gpu.policy import residency
from gpu.policy.plain import ONE_EACH
from gpu.policy.view import (
    KEPT_LINGERS,
    Call,
    CardFacts,
    Choice,
    Linger,
    Running,
    State,
    Visit,
    Waiting,
)
from gpu.states import FOREIGN
from gpu.tiers import Tier

VISITS_S: Final[Mapping[Tier, float]] = {
    Tier.OPS: 60.0,
    Tier.EMBEDDING: 60.0,
    Tier.RESEARCH: 300.0,
}
CALL_JOBS: Final = 64
REREAD_S: Final = 3.0
"""What a change costs beside the loads: a stopped job reads its prompt and its own text again."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers; a `change` is the measured time to load a slot and, later, another one again."""

    visits_s: Mapping[Tier, float] = field(default_factory=lambda: VISITS_S)
    hold_jobs: int = 16
    hold_changes: float = 4.7
    """Embeddings wait for company so long."""
    late_changes: float = 5.1
    """From this age on they stop research."""
    call_changes: float = 0.4
    """One call of embeddings is no longer than that: ops wait for its end."""
    linger_changes: float = 1.0
    """A silent run keeps its slot from lower tiers so long."""
    moment_changes: float = 0.8
    """And from another ops slot so long."""
    ahead_changes: float = 1.6
    """An ops job overtakes one for another slot that came at most so much earlier."""
    settle_s: float = 10.0
    """Research that has just begun is not stopped by embeddings."""


class Best:
    """Few changes of model without letting anybody wait for ever."""

    name = "best"

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()

    def choose(
        self, now: float, waiting: Sequence[Waiting], state: State, facts: CardFacts
    ) -> Choice:
        """Return the next queue; lower tiers only where no higher one wants the card."""
        ops, embedding, research = (_of(waiting, tier) for tier in Tier)
        if ops:
            return self._ops(now, ops, state, facts)
        wake = math.inf
        lingers_until = self._lingers_until(now, state, facts)
        held_until = self._held_until(now, embedding, research, state, facts)
        for tier, queues, begin in (
            (Tier.EMBEDDING, embedding, held_until),
            (Tier.RESEARCH, research, now),
        ):
            if not queues:
                continue
            slot = self._pick(queues, state).slot
            # Whose turn it is needs a load: a resident slot with no visit left waits with it.
            not_before = begin if slot in state.resident else max(begin, lingers_until)
            if not_before <= now:
                return Choice((tier, slot), math.inf)
            wake = min(wake, not_before)
        return Choice(None, wake)

    def began(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        tier: Tier,
        slot: str,
        arrived: float,
        run: str = "",
    ) -> State:
        """Renew the visit of a slot whose turn it is; the run has spoken again."""
        overtakes = any(
            queue.oldest < arrived for queue in _of(waiting, tier) if queue.slot != slot
        )
        visits = state.visits
        if not overtakes:
            visits = tuple(v for v in visits if (v.tier, v.slot) != (tier, slot))
        elif not any((v.tier, v.slot) == (tier, slot) for v in visits):
            visits = (*visits, Visit(tier, slot, 0.0))
        lingers = state.lingers
        if tier == Tier.OPS:
            lingers = _without(lingers, run, slot)
        return replace(state.used(slot), visits=visits, lingers=lingers)

    def worked(self, state: State, tier: Tier, slot: str, seconds: float) -> State:
        """Count the seconds in which the slot has overtaken others."""
        visits = tuple(
            replace(v, used=v.used + seconds) if (v.tier, v.slot) == (tier, slot) else v
            for v in state.visits
        )
        return replace(state, visits=visits)

    def finished(
        self, now: float, state: State, tier: Tier, slot: str, *, more: bool, run: str = ""
    ) -> State:
        """Remember an open run of ops, forget one that has ended."""
        if tier != Tier.OPS:
            return state
        lingers = _without(state.lingers, run, slot)
        if more:
            lingers = (*lingers, Linger(run, slot, now))[-KEPT_LINGERS:]
        return replace(state, lingers=lingers)

    def gives_way_at(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        running: Running,
        facts: CardFacts,
    ) -> float:
        """Return now where ops wait, and for research the moment in which embeddings are late."""
        if running.tier == Tier.OPS:
            return math.inf
        if _of(waiting, Tier.OPS):
            return self._or_nearly_done(now, waiting, running, facts)
        embedding = _of(waiting, Tier.EMBEDDING)
        if running.tier != Tier.RESEARCH or not embedding:
            return math.inf
        late = min(
            queue.oldest + self.rules.late_changes * change_s(queue.slot, facts)
            for queue in embedding
        )
        late = max(
            late, running.began + self.rules.settle_s, self._lingers_until(now, state, facts)
        )
        return late if late > now else self._or_nearly_done(now, waiting, running, facts)

    def call(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        slot: str,
        facts: CardFacts,
    ) -> Call:
        """Fill a call up to the time that a change of models takes."""
        if slot not in facts.slots:
            return ONE_EACH
        seconds = self.rules.call_changes * change_s(slot, facts)
        return Call(CALL_JOBS, int(seconds * facts.slots[slot].prefill_per_s))

    # The order inside a tier.

    def _pick(self, queues: Sequence[Waiting], state: State, ahead: float = math.inf) -> Waiting:
        """Return the queue of a tier to serve: the resident one within its visit, else the oldest.

        `ahead`: how much later than the oldest job of the tier the resident one may have come.
        """
        oldest = min(queues, key=_age)
        here = [queue for queue in queues if queue.slot in state.resident]
        if here:
            stays = min(here, key=_age)
            visit = self.rules.visits_s[stays.tier]
            if (
                state.overtaken(stays.tier, stays.slot) < visit
                and stays.oldest <= oldest.oldest + ahead
            ):
                return stays
        return oldest

    def _ops(self, now: float, queues: Sequence[Waiting], state: State, facts: CardFacts) -> Choice:
        """Serve ops; where only another slot is asked for, wait a moment for an open run here."""
        if not any(queue.slot in state.resident for queue in queues):
            open_until = self._open_here_until(queues, state, facts)
            if open_until > now:
                shut = frozenset((queue.tier, queue.slot) for queue in queues)
                return Choice(None, open_until, shut)
        pair = max(_pair_s(queue.slot, state, facts) for queue in queues)
        queue = self._pick(queues, state, self.rules.ahead_changes * pair)
        return Choice((queue.tier, queue.slot), math.inf)

    def _open_here_until(self, queues: Sequence[Waiting], state: State, facts: CardFacts) -> float:
        """Return until when a silent run of a resident slot is waited for by other ops slots."""
        head = min(queues, key=_age)
        moment = self.rules.moment_changes * _pair_s(head.slot, state, facts)
        silent = [linger.since for linger in state.lingers if linger.slot in state.resident]
        return min(max(silent) + moment, head.oldest + moment) if silent else -math.inf

    # Hold, linger, nearly done.

    def _held_until(
        self,
        now: float,
        embedding: Sequence[Waiting],
        research: Sequence[Waiting],
        state: State,
        facts: CardFacts,
    ) -> float:
        """Return until when embeddings wait for company; not when research needs a load anyway."""
        if not embedding or not research:
            return now
        head = self._pick(embedding, state)
        if sum(queue.count for queue in embedding) >= self.rules.hold_jobs:
            return now
        if not residency.to_unload(state.resident, head.slot, facts):
            return now
        if self._pick(research, state).slot not in state.resident:
            return now
        return min(
            queue.oldest + self.rules.hold_changes * change_s(queue.slot, facts)
            for queue in embedding
        )

    def _lingers_until(self, now: float, state: State, facts: CardFacts) -> float:
        """Return until when no lower tier may load, for the sake of open runs."""
        newest = {linger.slot: linger.since for linger in sorted(state.lingers, key=_silence)}
        changes = self.rules.linger_changes
        return max(
            (since + changes * change_s(slot, facts) for slot, since in newest.items()),
            default=now,
        )

    def _or_nearly_done(
        self, now: float, waiting: Sequence[Waiting], running: Running, facts: CardFacts
    ) -> float:
        """Return now, or the certain end of a job when stopping it would cost more than its rest.

        Stopped, it reads its own text again later; and its model is loaded for it alone when
        nothing else waits for that.
        """
        if running.ends_by is None or running.slot not in facts.slots:
            return now
        slot = facts.slots[running.slot]
        spared = running.tokens_done / slot.prefill_per_s
        if not any(queue.slot == running.slot and queue.count for queue in waiting):
            spared += slot.load_s
        return running.ends_by if now < running.ends_by <= now + spared else now


def change_s(slot: str, facts: CardFacts) -> float:
    """Return what it costs to load this slot and, afterwards, an average other one again."""
    models = (other for other in facts.slots.values() if other.name != FOREIGN)
    others = [other.load_s for other in models if other.name != slot]
    back = sum(others) / len(others) if others else 0.0
    known = facts.slots.get(slot)
    return (known.load_s if known else back) + back + REREAD_S


def _pair_s(slot: str, state: State, facts: CardFacts) -> float:
    """Return what it costs to load this slot and then the one back that was used last."""
    back = facts.slots.get(state.resident[-1]) if state.resident else None
    there = facts.slots.get(slot)
    if back is None or there is None or back.name == slot:
        return change_s(slot, facts)
    return there.load_s + back.load_s + REREAD_S


def _of(waiting: Sequence[Waiting], tier: Tier) -> list[Waiting]:
    return [queue for queue in waiting if queue.tier == tier and queue.count > 0]


def _age(queue: Waiting) -> tuple[float, str]:
    return queue.oldest, queue.slot


def _silence(linger: Linger) -> float:
    return linger.since


def _without(lingers: Sequence[Linger], run: str, slot: str) -> tuple[Linger, ...]:
    """Forget a run; one without a name is known by its slot."""
    return tuple(
        linger for linger in lingers if linger.run != run or (not run and linger.slot != slot)
    )
