"""Days of work to compare policies on: five kinds of load, seeded, as agents make it.

All sizes are log-normal and all independent arrivals are Poisson. An incident is an agent that
asks the small model two to five times with a tool between; every third also asks the big one.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gpu.replay.trace import TraceJob
from gpu.tiers import Tier

HOUR: Final = 3600.0
SMALL, BIG, EMBEDDER = "ops-8b", "reason-14b", "embed-8b"
RESEARCH: Final = (BIG, "code-14b", "astro-12b")


@dataclass
class _Day:
    dice: random.Random
    jobs: list[TraceJob] = field(default_factory=list)

    def size(self, median: float, spread: float, least: int, most: int) -> int:
        return round(min(most, max(least, median * math.exp(self.dice.gauss(0.0, spread)))))

    def times(self, begin: float, end: float, every: float) -> Iterator[float]:
        at = begin + self.dice.expovariate(1.0 / every)
        while at < end:
            yield at
            at += self.dice.expovariate(1.0 / every)

    def job(
        self, tier: Tier, slot: str, tokens: tuple[int, int], at: float | None, **more: object
    ) -> TraceJob:
        before = more.get("before")
        number = len(self.jobs)
        made = TraceJob(
            id=number,
            at=at,
            after=before.id if isinstance(before, TraceJob) else None,
            think=self.dice.uniform(1.0, 9.0) if before else 0.0,
            tier=tier,
            slot=slot,
            embeds=slot == EMBEDDER,
            tokens_in=tokens[0],
            tokens_out=tokens[1],
            more=bool(more.get("more")),
            run=before.run if isinstance(before, TraceJob) else str(number),
        )
        self.jobs.append(made)
        return made

    def documents(self, at: float, count: int) -> None:
        for number in range(count):
            size = self.size(4000, 0.7, 300, 20_000)
            self.job(Tier.EMBEDDING, EMBEDDER, (size, 0), at + 0.05 * number)

    def question(self, at: float, weights: tuple[int, int, int], median: float = 700) -> None:
        slot = self.dice.choices(RESEARCH, weights)[0]
        sizes = self.size(1800, 0.6, 200, 8000), self.size(median, 0.7, 60, 3500)
        self.job(Tier.RESEARCH, slot, sizes, at)

    def run(self, at: float, slot: str, calls: int, median: float) -> None:
        before = None
        for call in range(calls):
            sizes = self.size(900 + 350 * call, 0.3, 200, 8000), self.size(median, 0.5, 30, 900)
            before = self.job(
                Tier.OPS, slot, sizes, None if before else at, before=before, more=call < calls - 1
            )

    def incident(self, at: float) -> None:
        self.run(at, SMALL, self.dice.randint(2, 5), 180)
        if self.dice.random() < 1 / 3:
            self.run(at + self.dice.uniform(20, 60), BIG, self.dice.randint(1, 3), 350)


def _daily(day: _Day) -> None:
    """Two hours at work: sweeps every half hour, few alerts, documents, questions."""
    for sweep in range(4):
        for agent in range(3):
            day.run(60 + sweep * HOUR / 2 + 2 * agent, SMALL, day.dice.randint(2, 4), 250)
    for at in day.times(0, 2 * HOUR, 900):
        day.incident(at)
    for at in day.times(0, 2 * HOUR, 180):
        day.documents(at, day.dice.randint(1, 6))
    for at in day.times(0, 2 * HOUR, 75):
        day.question(at, (5, 3, 2))


def _storm(day: _Day) -> None:
    """A backlog of the night, and two storms of alerts on top of it."""
    for _ in range(70):
        day.question(day.dice.uniform(0, 600), (4, 3, 3), 900)
    for at in day.times(600, 1.5 * HOUR, 150):
        day.question(at, (1, 1, 1), 900)
    for middle in (1200, 3600):
        begin = middle + day.dice.uniform(-200, 200)
        for _ in range(12):
            day.incident(begin + day.dice.expovariate(1 / 100))
    for at in day.times(0, 1.5 * HOUR, 240):
        day.documents(at, day.dice.randint(2, 10))


def _trickle(day: _Day) -> None:
    """Single documents all the time, while research goes on."""
    for at in day.times(0, 2 * HOUR, 25):
        day.documents(at, 1)
    for at in day.times(0, 2 * HOUR, 80):
        day.question(at, (6, 3, 1))
    for at in day.times(0, 2 * HOUR, 1200):
        day.incident(at)


def _three_models(day: _Day) -> None:
    """Three research models in turn under a high load, and few alerts."""
    for at in day.times(0, 2 * HOUR, 48):
        day.question(at, (1, 1, 1))
    for at in day.times(0, 2 * HOUR, 1500):
        day.incident(at)
    for at in day.times(0, 2 * HOUR, 400):
        day.documents(at, day.dice.randint(1, 8))


def _overload(day: _Day) -> None:
    """More work than the card can do, for an hour and a half."""
    for at in day.times(0, 1.5 * HOUR, 34):
        day.question(at, (6, 3, 1))
    for at in day.times(0, 1.5 * HOUR, 240):
        day.incident(at)
    for at in day.times(0, 1.5 * HOUR, 60):
        day.documents(at, day.dice.randint(1, 4))


KINDS: Final[dict[str, Callable[[_Day], None]]] = {
    "daily": _daily,
    "storm": _storm,
    "trickle": _trickle,
    "three models": _three_models,
    "overload": _overload,
}


def trace(kind: str, seed: int) -> list[TraceJob]:
    """Return the jobs of a kind of load; the same for the same seed."""
    day = _Day(random.Random(f"{kind} {seed}"))  # noqa: S311 - dice, not keys
    KINDS[kind](day)
    return day.jobs
