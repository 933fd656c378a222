"""What a replay's event log says: changes of model, and how long each tier waited."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpu.replay.events import Event
from gpu.replay.trace import TraceJob
from gpu.tiers import Tier


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from arrival to first start, and to the end; `last` is the tier's last end."""

    jobs: int
    mean: float
    p50: float
    p99: float
    longest: float
    turnaround: float
    last: float


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole log; seconds of the trace."""

    swaps: int
    loading_s: float
    preemptions: int
    makespan: float
    tiers: Mapping[Tier, Waits]


def figures(jobs: Sequence[TraceJob], log: Iterable[Event], scale: float = 1.0) -> Figures:
    """Return the figures of a log in which one second of the trace took `scale` seconds."""
    arrived: dict[int, float] = {}
    started: dict[int, float] = {}
    ended: dict[int, float] = {}
    loading, began, swaps, stops = 0.0, 0.0, 0, 0
    for event in log:
        at = event.at / scale
        if event.ev == "load_start":
            began, swaps = at, swaps + 1
        elif event.ev == "loaded":
            loading += at - began
        elif event.ev == "preempted":
            stops += 1
        elif event.job is None:
            continue
        elif event.ev == "enqueued":
            arrived.setdefault(event.job, at)
        elif event.ev == "started":
            started.setdefault(event.job, at)
        elif event.ev == "finished":
            ended[event.job] = at
    first = min(arrived.values(), default=0.0)
    tiers = {
        tier: _waits(
            [job.id for job in jobs if job.tier == tier and job.id in ended],
            arrived, started, ended, first,
        )
        for tier in Tier
    }  # fmt: skip
    makespan = max(ended.values(), default=first) - first
    return Figures(swaps, loading, stops, makespan, tiers)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(round(len(values) * share, 9)) - 1)]


def _waits(
    jobs: Sequence[int],
    arrived: Mapping[int, float],
    started: Mapping[int, float],
    ended: Mapping[int, float],
    first: float,
) -> Waits:
    waits = [started[job] - arrived[job] for job in jobs]
    whole = [ended[job] - arrived[job] for job in jobs]
    count = max(1, len(jobs))
    return Waits(
        jobs=len(jobs),
        mean=sum(waits) / count,
        p50=percentile(waits, 0.5),
        p99=percentile(waits, 0.99),
        longest=max(waits, default=0.0),
        turnaround=sum(whole) / count,
        last=max((ended[job] for job in jobs), default=first) - first,
    )
