"""Measures the figures that were promised, and writes them down: `python -m tests.bench`."""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ethops.env import CLONE
from tests.bench import (
    card,
    gate,
    ledger_append,
    ledger_verify,
    ledger_witness,
    memory,
    path,
    policies,
    proxy,
    resume,
    steps,
    webhook,
)
from tests.bench.figures import Figure, page, percentile, spread, write
from tests.bench.stack import Stack, folder

CALM_SECONDS = 6.0


def up(stack: Stack) -> list[Figure]:
    """Start twice: the first start migrates."""
    fresh = stack.manage("up", "--detach")
    stack.manage("down")
    again = stack.manage("up", "--detach")
    return [
        Figure("`up` ready, database made and migrated on the way", f"{fresh:.1f} s"),
        Figure("`up` ready when migrated", f"{again:.1f} s", "20 s"),
    ]


def idle_memory(stack: Stack) -> list[Figure]:
    """Look once everything is calm."""
    time.sleep(CALM_SECONDS)
    sizes = memory.measure(stack)
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items()))
    total = Figure("idle memory, PSS of all processes", f"{sum(sizes.values()):.0f} MiB", "1100")
    return [total, Figure("... of which", parts)]


def propose_to_settled(stack: Stack) -> list[Figure]:
    """Through everything, then with the same executor woken by LISTEN alone."""
    path.measure(stack, per_second=10, seconds=2)  # connections, caches
    whole = path.measure(stack, per_second=20, seconds=10)
    with _listening(stack):
        peer = path.measure(stack, per_second=20, seconds=10)
    assert (whole.lost, peer.lost) == (0, 0), "effects were not settled"
    return [
        Figure("propose, as its caller waits, 20/s", spread(whole.proposed)),
        Figure("propose to claimed, 20/s", spread(whole.claimed)),
        Figure(
            "propose to settled through recorder, relay, Redis, Celery, 20/s",
            spread(whole.settled),
            "p50 100, p99 500",
        ),
        Figure("the same without relay, Redis and Celery (LISTEN)", spread(peer.settled)),
        Figure(
            "ratio of the two p50, p99",
            f"{percentile(whole.settled, 0.5) / percentile(peer.settled, 0.5):.1f},"
            f" {percentile(whole.settled, 0.99) / percentile(peer.settled, 0.99):.1f}",
        ),
    ]


@contextmanager
def _listening(stack: Stack) -> Iterator[None]:
    """Put the listening executor in the place of Celery's, which stands still meanwhile."""
    executor = stack.process("executor")
    said = stack.layout.environment("executor")
    words = ["-m", "tests.child", "tests.bench.listening"]
    peer = subprocess.Popen([sys.executable, *words], cwd=CLONE, env=said)
    try:
        time.sleep(4)  # Django is imported
        executor.send_signal(signal.SIGSTOP)
        yield
    finally:
        executor.send_signal(signal.SIGCONT)
        peer.kill()
        peer.wait()


def webhook_latency(stack: Stack) -> list[Figure]:
    """Ten seconds each."""
    ours, bare = webhook.measure(stack, per_second=100, seconds=10)
    ratio = percentile(ours, 0.99) / percentile(bare, 0.99)
    return [
        Figure("webhook, 100/s", spread(ours)),
        Figure("bare insert view, 100/s", spread(bare)),
        Figure("ratio of the two p99", f"{ratio:.1f}", "3"),
    ]


def agent_step(stack: Stack) -> list[Figure]:
    """CPU of the worker's process."""
    whole, engine, count = steps.measure(stack, tickets=60)
    return [
        Figure(f"CPU of an agent's step without inference ({count} steps)",
               f"{whole - engine:.0f} ms", "60 ms"),
        Figure("CPU of one answer of the rule engine", f"{engine:.2f} ms"),
    ]  # fmt: skip


def resume_after_kill(stack: Stack) -> list[Figure]:
    """The worker is killed with steps in its hands, and its family with it."""
    return resume.figures(resume.measure(stack, kills=20))


def witness_before_execute() -> list[Figure]:
    """On a stack of its own, whose ledger no bench has written past its doors."""
    with folder() as stack:
        stack.manage("up", "--detach")
        return ledger_witness.measure(stack, stack.layout.state, count=100)


def gpu_figures() -> list[Figure]:
    """The proxy's price, the worker's, and the policies compared in virtual time."""
    rows = policies.table(range(5))
    compared = [
        Figure(
            f"order `{row.name}`, ratio to plain Celery",
            ", ".join(f"{name} {ratio:.2f}" for name, ratio in row.ratios.items()),
        )
        for row in rows
    ]
    return [*proxy.measure(), *card.measure(), *compared]


def ledger_figures() -> list[Figure]:
    """Witnesses, appending and verifying, each on a database of its own."""
    return [*witness_before_execute(), *ledger_append.measure(), *ledger_verify.measure()]


def main() -> int:
    """Measure everything; return 1 where a part could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=CLONE / "docs" / "figures.md")
    said = parser.parse_args()
    load = psutil.getloadavg()[0]
    figures: list[Figure] = []
    with folder() as stack:
        for part in (
            up,
            idle_memory,
            propose_to_settled,
            agent_step,
            webhook_latency,
            resume_after_kill,
        ):
            for figure in part(stack):
                figures.append(figure)
                target = f"   (target {figure.target})" if figure.target else ""
                sys.stdout.write(f"{figure.what:<66} {figure.found}{target}\n")
                sys.stdout.flush()
    for figure in (*gate.measure(), *ledger_figures(), *gpu_figures()):
        figures.append(figure)
        sys.stdout.write(f"{figure.what:<66} {figure.found}\n")
    write(said.page, page(figures, load))
    sys.stdout.write(f"written to {said.page.name}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
