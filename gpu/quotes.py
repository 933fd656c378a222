"""When each waiting job will start and end: the policy played forward on what waits now.

No job is added on the way, so a quote is what happens if nothing else comes. Lengths are expected
ones, from measured means and speeds.
"""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gpu.policy import placement, residency
from gpu.policy.view import CardFacts, Policy, Running, SlotFacts, State, Waiting
from gpu.tiers import Tier

CALL_S: Final = 0.10
"""One request beside its tokens."""
STOP_S: Final = 0.20
"""From the decision to stop a stream to a free card."""


@dataclass(frozen=True, slots=True)
class Job:
    """A waiting job; `tokens_out` is what may be expected of it."""

    id: str
    tier: Tier
    slot: str
    arrival: float
    tokens_in: int
    tokens_out: float
    embeds: bool


@dataclass(frozen=True, slots=True)
class Now:
    """What a card does; `ends_at` is the expected end of the job, its load included."""

    tier: Tier
    slot: str
    embeds: bool
    arrived: float
    ends_at: float
    loading: bool = False


@dataclass(frozen=True, slots=True)
class CardNow:
    """A card that is up."""

    name: str
    state: State
    facts: CardFacts
    running: Now | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """When a job will start and end, and where; position 1 is the next to start."""

    id: str
    position: int
    start: float
    end: float
    card: str


def quotes(
    now: float, jobs: Sequence[Job], cards: Sequence[CardNow], policy: Policy
) -> list[Quote]:
    """Return a quote for each job that some card can serve, in the order of their starts."""
    return _Forward(now, jobs, cards, policy).told()


@dataclass(order=True, slots=True)
class _Ask:
    """A job in its queue: what it has to read first, and the rest it has to write."""

    arrival: float
    number: int
    job: Job = field(compare=False)
    read: float = field(compare=False)
    rest: float = field(compare=False)


@dataclass(slots=True)
class _Lane:
    """A card, and when it is free."""

    name: str
    at: float
    state: State
    facts: CardFacts


class _Forward:
    def __init__(
        self, now: float, jobs: Sequence[Job], cards: Sequence[CardNow], policy: Policy
    ) -> None:
        self.policy = policy
        self.queues: dict[tuple[Tier, str], list[_Ask]] = {}
        self.starts: dict[str, tuple[float, str]] = {}
        self.ends: dict[str, float] = {}
        for number, job in enumerate(jobs):
            self._put(_Ask(job.arrival, number, job, float(job.tokens_in), job.tokens_out))
        self.lanes = [_Lane(card.name, now, card.state, card.facts) for card in cards]
        for lane, card in zip(self.lanes, cards, strict=True):
            if card.running is not None:
                self._occupy(lane, card.running)

    def told(self) -> list[Quote]:
        """Play until nothing waits that anybody can serve."""
        lanes = list(self.lanes)
        while lanes and any(self.queues.values()):
            lane = min(lanes, key=lambda one: one.at)
            choice = self.policy.choose(lane.at, self._waiting(lane), lane.state, lane.facts)
            if choice.serve is not None:
                self._serve(lane, self.queues[choice.serve])
                continue
            later = min((one.at for one in lanes if one.at > lane.at), default=math.inf)
            lane.at = min(choice.wake_at, later)
            if lane.at == math.inf:
                lanes.remove(lane)
        ordered = sorted(self.starts.items(), key=lambda item: item[1])
        return [
            Quote(name, position, start, self.ends[name], card)
            for position, (name, (start, card)) in enumerate(ordered, 1)
            if name in self.ends
        ]

    def _waiting(self, lane: _Lane) -> list[Waiting]:
        """Return what waits and is left to this card."""
        others: list[placement.Card] = []
        if len(self.lanes) > 1:
            others = [
                placement.Card(
                    one.name, one.state.resident, one.at, one.at < math.inf, lane.at, one.facts
                )
                for one in self.lanes
            ]
        return [
            Waiting(tier, slot, len(queue), queue[0].arrival)
            for (tier, slot), queue in self.queues.items()
            if queue
            and slot in lane.facts.slots
            and (not others or placement.takes(lane.at, lane.name, others, slot))
        ]

    def _put(self, ask: _Ask) -> None:
        insort(self.queues.setdefault((ask.job.tier, ask.job.slot), []), ask)

    def _occupy(self, lane: _Lane, running: Now) -> None:
        """Let what runs end, or give way when the policy says so; then its rest waits again."""
        began = lane.at
        lane.at = max(began, running.ends_at)
        lane.state = lane.state.used(running.slot) if running.slot in lane.facts.slots else State()
        known = lane.facts.slots.get(running.slot)
        if running.loading or running.embeds or known is None:
            return
        way = self._way(lane, running.tier, running.slot, began)
        if way < lane.at:
            way = max(way, began)
            rest = (lane.at - way) * known.tokens_per_s
            job = Job("", running.tier, running.slot, running.arrived, 0, rest, embeds=False)
            self._put(_Ask(running.arrived, -1, job, 0.0, rest))
            lane.at = way + STOP_S

    def _way(self, lane: _Lane, tier: Tier, slot: str, began: float) -> float:
        running = Running(tier, slot, embeds=False, began=began)
        return self.policy.gives_way_at(began, self._waiting(lane), lane.state, running, lane.facts)

    def _serve(self, lane: _Lane, queue: list[_Ask]) -> None:
        job = queue[0].job
        facts = lane.facts.slots[job.slot]
        if job.slot not in lane.state.resident:
            for slot in residency.to_unload(lane.state.resident, job.slot, lane.facts):
                lane.state = lane.state.unloaded(slot)
            lane.state = lane.state.loaded(job.slot)
            lane.at += facts.load_s
        if job.embeds:
            self._embed(lane, queue, facts)
        else:
            self._generate(lane, queue, facts)

    def _embed(self, lane: _Lane, queue: list[_Ask], facts: SlotFacts) -> None:
        first = queue[0]
        call = self.policy.call(lane.at, self._waiting(lane), lane.state, facts.name, lane.facts)
        batch = [queue.pop(0)]
        tokens = first.read
        while queue and len(batch) < call.jobs and tokens + queue[0].read <= call.tokens:
            tokens += queue[0].read
            batch.append(queue.pop(0))
        self._begin(lane, first)
        end = lane.at + CALL_S + tokens / facts.prefill_per_s
        for ask in batch:
            self._ended(lane, ask, end)
        self._rest(lane, first.job, end)

    def _generate(self, lane: _Lane, queue: list[_Ask], facts: SlotFacts) -> None:
        ask = queue.pop(0)
        self._begin(lane, ask)
        writes = lane.at + CALL_S + ask.read / facts.prefill_per_s
        end = writes + ask.rest / facts.tokens_per_s
        way = math.inf
        if ask.job.tier != Tier.OPS:
            way = max(lane.at, self._way(lane, ask.job.tier, ask.job.slot, lane.at))
        if way >= end:
            self._ended(lane, ask, end)
            self._rest(lane, ask.job, end)
            return
        if ask.number >= 0:
            self.starts.setdefault(ask.job.id, (lane.at, lane.name))
        written = max(0.0, way - writes) * facts.tokens_per_s
        free = way + STOP_S
        lane.state = self.policy.worked(lane.state, ask.job.tier, ask.job.slot, free - lane.at)
        lane.at = free
        self._put(replace(ask, read=ask.read + written, rest=max(1.0, ask.rest - written)))

    def _begin(self, lane: _Lane, ask: _Ask) -> None:
        lane.state = self.policy.began(
            lane.at, self._waiting(lane), lane.state, ask.job.tier, ask.job.slot, ask.arrival
        )

    def _ended(self, lane: _Lane, ask: _Ask, end: float) -> None:
        if ask.number >= 0:
            self.starts.setdefault(ask.job.id, (lane.at, lane.name))
            self.ends[ask.job.id] = end

    def _rest(self, lane: _Lane, job: Job, end: float) -> None:
        """Take the card's memory and clock to the end of a job."""
        lane.state = self.policy.worked(lane.state, job.tier, job.slot, end - lane.at)
        lane.state = self.policy.finished(end, lane.state, job.tier, job.slot, more=False)
        lane.at = end
