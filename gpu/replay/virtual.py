"""A card in virtual time: the very policy of the queue on a trace, without a GPU or waiting."""

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from gpu.policy import residency
from gpu.policy.view import CardFacts, Policy, Running, SlotFacts, State, Waiting
from gpu.replay.events import Event, Kind
from gpu.replay.trace import TraceJob
from gpu.tiers import RANK, Tier

CALL_OVERHEAD_S: Final = 0.10
"""One request: hand-over of the task and HTTP."""
CANCEL_LATENCY_S: Final = 0.20
"""From the decision to stop a stream to a free card."""
SIMULATED: Final = CardFacts(
    vram_mb=15_876,
    slots={
        name: SlotFacts(name, load_s, vram_mb, speed, reading, embeds)
        for name, load_s, vram_mb, speed, reading, embeds in (
            ("ops-8b", 4.5, 7_168, 45.0, 1500.0, False),
            ("reason-14b", 8.0, 11_776, 27.0, 800.0, False),
            ("code-14b", 9.0, 11_776, 26.0, 800.0, False),
            ("astro-12b", 11.0, 12_800, 22.0, 700.0, False),
            ("embed-8b", 5.5, 8_192, 1.0, 2500.0, True),
        )
    },
    single=True,
)
"""The card of the profile `simulated`."""


class UnplayableError(ValueError):
    """The trace cannot be played on this card, or the policy never ends it."""


def replay(jobs: Sequence[TraceJob], policy: Policy, facts: CardFacts) -> list[Event]:
    """Return the log of a trace under a policy, in the order of time."""
    unknown = sorted({job.slot for job in jobs} - set(facts.slots))
    if unknown:
        raise UnplayableError(
            f"The trace names models that the card has not: {', '.join(unknown)}."
            f" It has {', '.join(sorted(facts.slots))}."
        )
    return _Card(jobs, policy, facts).play()


class _Queue:
    """The waiting jobs of one tier and slot, by arrival."""

    def __init__(self, tier: Tier, slot: str) -> None:
        self.tier = tier
        self.slot = slot
        self.heap: list[tuple[float, int]] = []
        self.tokens_in = 0


class _Card:
    """The state of one replay."""

    def __init__(self, jobs: Sequence[TraceJob], policy: Policy, facts: CardFacts) -> None:
        self.policy, self.facts = policy, facts
        self.jobs = {job.id: job for job in jobs}
        self.next: defaultdict[int, list[TraceJob]] = defaultdict(list)
        self.coming: list[tuple[float, int]] = []
        for job in jobs:
            if job.after is None:
                self.coming.append((job.at or 0.0, job.id))
            else:
                self.next[job.after].append(job)
        heapq.heapify(self.coming)
        self.queues: dict[tuple[Tier, str], _Queue] = {}
        self.now = 0.0
        self.state = State()
        self.done: dict[int, int] = {}
        self.seen: defaultdict[tuple[Tier, str], list[int]] = defaultdict(lambda: [0, 0])
        self.events: list[Event] = []

    def play(self) -> list[Event]:
        """Work until nothing waits and nothing comes."""
        while True:
            self._arrive()
            choice = self.policy.choose(self.now, self._waiting(), self.state, self.facts)
            if choice.serve is not None:
                self._serve(self.queues[choice.serve])
                continue
            wake = min(choice.wake_at, self.coming[0][0] if self.coming else math.inf)
            if wake == math.inf:
                break
            if wake <= self.now:
                raise UnplayableError(f"{self.policy.name} asks to be woken in the past.")
            self.now = wake
        left = sum(len(queue.heap) for queue in self.queues.values())
        if left:
            raise UnplayableError(f"{self.policy.name} leaves {left} jobs waiting for ever.")
        return sorted(self.events, key=lambda event: event.at)

    # What waits.

    def _waiting(self) -> list[Waiting]:
        return [
            Waiting(
                queue.tier,
                queue.slot,
                len(queue.heap),
                queue.heap[0][0],
                queue.tokens_in,
                queue.heap[0][1] in self.done,
            )
            for queue in self.queues.values()
            if queue.heap
        ]

    def _arrive(self) -> None:
        while self.coming and self.coming[0][0] <= self.now:
            at, number = heapq.heappop(self.coming)
            self._say("enqueued", at, job=number)
            self._put(self.jobs[number], at)

    def _put(self, job: TraceJob, at: float) -> None:
        key = (job.tier, job.slot)
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = _Queue(*key)
        heapq.heappush(queue.heap, (at, job.id))
        queue.tokens_in += job.tokens_in

    def _take(self, queue: _Queue) -> tuple[float, TraceJob]:
        at, number = heapq.heappop(queue.heap)
        job = self.jobs[number]
        queue.tokens_in -= job.tokens_in
        return at, job

    def _say(
        self,
        ev: Kind,
        at: float,
        *,
        job: int | None = None,
        model: str | None = None,
        tokens: int | None = None,
    ) -> None:
        self.events.append(Event(ev, at, job, model, tokens))

    # What the card does.

    def _serve(self, queue: _Queue) -> None:
        facts = self.facts.slots[queue.slot]
        embeds = self.jobs[queue.heap[0][1]].embeds
        if queue.slot not in self.state.resident:
            at, job = self._take(queue)
            self._load(facts)
            self._put(job, at)
            ready = Running(queue.tier, queue.slot, embeds, self.now)
            if queue.tier != Tier.OPS and self._way(ready) <= self.now:
                return
        if embeds:
            self._embed(queue, facts)
        else:
            self._generate(queue, facts)

    def _load(self, facts: SlotFacts) -> None:
        for slot in residency.to_unload(self.state.resident, facts.name, self.facts):
            self._say("unloaded", self.now, model=slot)
            self.state = self.state.unloaded(slot)
        self._say("load_start", self.now, model=facts.name)
        self.now += facts.load_s
        self._arrive()
        self.state = self.state.loaded(facts.name)
        self._say("loaded", self.now, model=facts.name)

    def _way(self, running: Running) -> float:
        return self.policy.gives_way_at(self.now, self._waiting(), self.state, running, self.facts)

    def _embed(self, queue: _Queue, facts: SlotFacts) -> None:
        call = self.policy.call(self.now, self._waiting(), self.state, queue.slot, self.facts)
        arrived, first = self._take(queue)
        batch = [first]
        tokens = batch[0].tokens_in
        while queue.heap and len(batch) < call.jobs:
            tokens += self.jobs[queue.heap[0][1]].tokens_in
            if tokens > call.tokens:
                tokens -= self.jobs[queue.heap[0][1]].tokens_in
                break
            batch.append(self._take(queue)[1])
        self.state = self.policy.began(
            self.now, self._waiting(), self.state, queue.tier, queue.slot, arrived, first.run
        )
        for job in batch:
            self._say("started", self.now, job=job.id, model=queue.slot)
        seconds = CALL_OVERHEAD_S + tokens / facts.prefill_per_s
        self.now += seconds
        self._arrive()
        self.state = self.policy.worked(self.state, queue.tier, queue.slot, seconds)
        for job in batch:
            self._finish(job, 0)

    def _generate(self, queue: _Queue, facts: SlotFacts) -> None:
        arrived, job = self._take(queue)
        began = self.now
        self.state = self.policy.began(
            began, self._waiting(), self.state, queue.tier, queue.slot, arrived, job.run
        )
        self._say("started", began, job=job.id, model=queue.slot)
        done = self.done.get(job.id, 0)
        first = began + CALL_OVERHEAD_S + (job.tokens_in + done) / facts.prefill_per_s
        end = first + (job.tokens_out - done) / facts.tokens_per_s
        stop = self._watch(job, done, first, end)
        if stop is None:
            self.now = end
            self._arrive()
            self.state = self.policy.worked(self.state, queue.tier, queue.slot, end - began)
            self._finish(job, job.tokens_out)
            return
        whole = math.ceil((stop - first) * facts.tokens_per_s)
        got = max(0, min(job.tokens_out - done - 1, whole))
        self.now = max(stop, first + got / facts.tokens_per_s if got else stop) + CANCEL_LATENCY_S
        self.done[job.id] = done + got
        self.state = self.policy.worked(self.state, queue.tier, queue.slot, self.now - began)
        self._say("preempted", self.now, job=job.id, tokens=done + got)
        self._put(job, arrived)
        self._arrive()

    def _watch(self, job: TraceJob, done: int, first: float, end: float) -> float | None:
        """Return the moment in which the running job has to go, or None; arrivals are let in."""
        if job.tier == Tier.OPS:
            return None
        began = self.now
        count, total = self.seen[(job.tier, job.slot)]
        speed = self.facts.slots[job.slot].tokens_per_s
        expected = first + max(0.0, total / count - done) / speed if count else None
        while True:
            tokens = done + max(0, int((self.now - first) * speed))
            running = Running(job.tier, job.slot, embeds=False, began=began, tokens_done=tokens,
                              expected_end=expected)  # fmt: skip
            way = max(self.now, self._way(running))
            coming = self._next_higher(RANK[job.tier], end)
            if way < min(coming, end):
                return way
            if coming >= end:
                return None
            self.now = coming
            self._arrive()

    def _next_higher(self, rank: int, end: float) -> float:
        """Return when the next job of a higher tier comes; lower ones are let in on the way."""
        while self.coming and self.coming[0][0] < end:
            at, number = self.coming[0]
            if RANK[self.jobs[number].tier] < rank:
                return at
            heapq.heappop(self.coming)
            self._say("enqueued", at, job=number)
            self._put(self.jobs[number], at)
        return math.inf

    def _finish(self, job: TraceJob, tokens: int) -> None:
        self._say("finished", self.now, job=job.id, tokens=tokens)
        self.done.pop(job.id, None)
        seen = self.seen[(job.tier, job.slot)]
        seen[0] += 1
        seen[1] += tokens
        self.state = self.policy.finished(
            self.now, self.state, job.tier, job.slot, more=job.more, run=job.run
        )
        for following in self.next[job.id]:
            heapq.heappush(self.coming, (self.now + following.think, following.id))
