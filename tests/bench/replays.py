"""The real queue held against its own virtual time: the same day under the same policy.

    python -m tests.bench.replays [--kinds overload trickle] [--seed 1] [--hours 2.5]

Celery, Redis, PostgreSQL and a simulated server, twenty times faster than real time: a whole day
of two hours takes six minutes. Every kind runs by itself, one after the other.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ethops.env import CLONE
from gpu.policy.chosen import named
from gpu.replay import events, virtual
from gpu.replay import trace as traces
from gpu.replay.score import Figures, figures
from gpu.replay.trace import TraceJob
from gpu.tiers import Tier
from tests.bench.traces import KINDS, trace

SCALE = 0.05
POLICY = "best"
HEAD = """\
| day | jobs | swaps | makespan s | ops p99 wait s | ops mean wait s | preemptions |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Pair:
    """One day: as it went, and as virtual time said."""

    name: str
    jobs: int
    real: Figures
    virtual: Figures

    def row(self) -> str:
        """Return its line of the table: real / virtual."""
        ours, theirs = self.real, self.virtual
        ops, other = ours.tiers[Tier.OPS], theirs.tiers[Tier.OPS]
        return (
            f"| {self.name} | {self.jobs}, {ops.jobs} of ops | {ours.swaps} / {theirs.swaps}"
            f" | {ours.makespan:.0f} / {theirs.makespan:.0f} | {ops.p99:.1f} / {other.p99:.1f}"
            f" | {ops.mean:.1f} / {other.mean:.1f} | {ours.preemptions} / {theirs.preemptions} |\n"
        )


def pair(kind: str, seed: int, hours: float) -> Pair:
    """Play one day twice."""
    jobs = _until(trace(kind, seed), 3600 * hours)
    foretold = virtual.replay(jobs, named(POLICY), virtual.SIMULATED)
    with tempfile.TemporaryDirectory(prefix="ethops-bench-") as folder:
        day, log = Path(folder) / "day.jsonl", Path(folder) / "log.jsonl"
        traces.write(day, jobs)
        words = ("--trace", str(day), "--events", str(log), "--policy", POLICY)
        subprocess.run(
            [sys.executable, "manage.py", "gpu", "replay", *words, "--scale", f"{SCALE:g}"],
            cwd=CLONE,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seen = events.read(log)
    name = f"{kind} {seed}" + (f", first {hours:g} h" if hours < 10 else "")
    return Pair(name, len(jobs), figures(jobs, seen, SCALE), figures(jobs, foretold))


def _until(jobs: Sequence[TraceJob], seconds: float) -> list[TraceJob]:
    """Return the runs that begin early enough, whole."""
    begun = {job.run for job in jobs if job.at is not None and job.at < seconds}
    return [job for job in jobs if job.run in begun]


def main() -> int:
    """Print the table, a line as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["three models", "overload"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=24.0)
    said = parser.parse_args()
    sys.stdout.write(HEAD)
    for kind in said.kinds:
        sys.stdout.write(pair(kind, said.seed, said.hours).row())
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
