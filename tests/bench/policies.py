"""The policies side by side in virtual time: `python -m tests.bench.policies` prints the table."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gpu.policy.best import Best
from gpu.policy.strict import Strict
from gpu.policy.view import Policy
from gpu.replay import virtual
from gpu.replay.peers import LlamaSwapRule, OllamaRule, RoundRobin
from gpu.replay.score import Figures, figures
from gpu.replay.trace import TraceJob
from gpu.tiers import RANK, Tier
from tests.bench.traces import KINDS, trace

LEAST: Final = 0.01
"""Seconds below which a wait counts as so many: a ratio to nothing says nothing."""

COLUMNS: Final[Mapping[str, Callable[[Figures], float]]] = {
    "swaps": lambda found: float(found.swaps),
    "ops p99 wait": lambda found: found.tiers[Tier.OPS].p99,
    "ops turnaround": lambda found: found.tiers[Tier.OPS].turnaround,
    "embedding p99": lambda found: found.tiers[Tier.EMBEDDING].p99,
    "research mean": lambda found: found.tiers[Tier.RESEARCH].mean,
    "research longest": lambda found: found.tiers[Tier.RESEARCH].longest,
    "last end": lambda found: found.tiers[Tier.RESEARCH].last,
}
ALONE: Final = "ops p99, own card"


@dataclass(frozen=True)
class Row:
    """A policy: geometric means of its ratios to plain Celery, and of ops to their own card."""

    name: str
    ratios: Mapping[str, float]


def table(seeds: Iterable[int]) -> list[Row]:
    """Play every kind of load with every seed under every policy."""
    days = [trace(kind, seed) for kind in KINDS for seed in seeds]
    plain = [_played(day, Strict()) for day in days]
    alone = [_played([job for job in day if job.tier == Tier.OPS], Best()) for day in days]
    return [
        _row(name, [_played(day, make(day)) for day in days], plain, alone)
        for name, make in _POLICIES.items()
    ]


def page(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    names = (*COLUMNS, ALONE)
    lines = [
        f"| policy | {' | '.join(names)} |",
        f"|{'---|' * (len(names) + 1)}",
        *(
            f"| {row.name} | {' | '.join(f'{row.ratios[name]:.2f}' for name in names)} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def _priority(day: Sequence[TraceJob]) -> dict[str, int]:
    """Return the highest tier that uses each model: llama-swap knows models, not tiers."""
    found: dict[str, int] = {}
    for job in day:
        found[job.slot] = min(RANK[job.tier], found.get(job.slot, len(RANK)))
    return found


_POLICIES: Final[Mapping[str, Callable[[Sequence[TraceJob]], Policy]]] = {
    "plain Celery, strict tiers": lambda _: Strict(),
    "kombu's round robin": lambda _: RoundRobin(),
    "Ollama's own scheduler": lambda _: OllamaRule(),
    "llama-swap's rule": lambda day: LlamaSwapRule(_priority(day)),
    "ours": lambda _: Best(),
}


def _played(day: Sequence[TraceJob], policy: Policy) -> Figures:
    return figures(day, virtual.replay(day, policy, virtual.SIMULATED))


def _row(
    name: str, found: Sequence[Figures], plain: Sequence[Figures], alone: Sequence[Figures]
) -> Row:
    ratios = {
        column: _mean(zip(map(read, found), map(read, plain), strict=True))
        for column, read in COLUMNS.items()
    }
    ops = COLUMNS["ops p99 wait"]
    ratios[ALONE] = _mean(zip(map(ops, found), map(ops, alone), strict=True))
    return Row(name, ratios)


def _mean(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the geometric mean of ratios."""
    logs = [math.log(max(ours, LEAST) / max(theirs, LEAST)) for ours, theirs in pairs]
    return math.exp(sum(logs) / len(logs))


if __name__ == "__main__":
    sys.stdout.write(page(table(range(5))))
