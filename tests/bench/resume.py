"""After kill -9 of the agent worker: how long until another takes the step that it held.

    python -m tests.bench.resume

Nothing of ours runs on another host here, so a step waits for the new worker, and that is where
the time goes: the supervisor starts it after half a second, and then it loads what it needs. Beside
that the step is found to be lost within a second, and retried after a wait by chance of up to two;
both are over before the new worker is there. Each wait is shown, and the CPU that a start takes,
since on a machine whose cores others use that is what makes it long.

A worker that is killed again within ten seconds of its start is a crash loop for the supervisor,
which waits longer each time on purpose; so each is left alone for as long before the next kill.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil
import psycopg

from ethops.stack.restarts import RestartPolicy
from tests.bench.figures import Figure, percentile
from tests.bench.stack import Stack, folder
from tests.bench.steps import INPUTS
from tests.waiting import eventually

AT_ONCE = 6
DRAIN_SECONDS = 60.0
LEFT = """
    SELECT 1 FROM public.personas_run WHERE ticket_ref LIKE 'R-%' AND ended_at IS NULL LIMIT 1
"""
LOST = """
    SELECT extract(epoch FROM i.ended_at - %(killed)s)::float8, extract(epoch FROM (
        SELECT min(n.born_at) FROM public.personas_incarnation n
         WHERE n.run_id = i.run_id AND n.step = i.step AND n.born_at > i.ended_at)
        - %(killed)s)::float8
      FROM public.personas_incarnation i
     WHERE i.born_at <= %(killed)s AND i.ending = 'lost'
       AND i.ended_at BETWEEN %(killed)s AND %(killed)s + interval '40 s'
"""


@dataclass
class Waits:
    """Seconds since a death, and what the start of the new worker took of a core."""

    found: list[float] = field(default_factory=list)
    """... until the step was known to be lost."""
    started: list[float] = field(default_factory=list)
    """... until the new process began."""
    taken: list[float] = field(default_factory=list)
    """... until the step was taken again."""
    cpu: list[float] = field(default_factory=list)


def measure(stack: Stack, *, kills: int) -> Waits:
    """Kill the worker in the midst of its steps, again and again."""
    chance = random.Random(5)  # noqa: S311 - moments, not secrets
    waits = Waits()
    with stack.connect("owner") as owner, stack.connect("app") as app:
        for number in range(kills):
            worker = _settled(stack)
            _dispatch(owner, app, number)
            time.sleep(chance.uniform(0.0, 0.25))
            killed = _kill(worker)
            eventually(
                lambda: owner.execute(LEFT).fetchone() is None,
                DRAIN_SECONDS,
                told="runs to be taken up again",
            )
            new = stack.process("agent")
            waits.started.append(new.create_time() - killed.timestamp())
            times = new.cpu_times()
            waits.cpu.append(times.user + times.system)
            for lost, born in owner.execute(LOST, {"killed": killed}).fetchall():
                waits.found.append(lost)
                waits.taken.append(born)
    return waits


def _settled(stack: Stack) -> psutil.Process:
    """The worker, once its end would be no crash loop."""
    worker = stack.process("agent")
    lived = time.time() - worker.create_time()
    time.sleep(max(0.0, RestartPolicy().settled_seconds + 0.5 - lived))
    return worker


def _dispatch(owner: psycopg.Connection, app: psycopg.Connection, number: int) -> None:
    for one in range(AT_ONCE):
        ref = f"R-{number:03d}-{one}"
        owner.execute(
            "INSERT INTO public.tickets_ticket"
            " (ref, ticket_class, title, priority, impact, urgency)"
            " VALUES (%s, 'incident', 'bench', 'P4', 3, 3)",
            [ref],
        )
        app.execute(
            "SELECT gate.dispatch('triage', %s, 3, '[]', 'none', %s::jsonb, %s)",
            [ref, json.dumps(INPUTS), ref],
        )


def _kill(worker: psutil.Process) -> datetime:
    family = [worker, *worker.children(recursive=True)]
    at = datetime.now(UTC)
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return at


def figures(waits: Waits) -> list[Figure]:
    """Return the lines of the table."""
    steps = f"{len(waits.taken)} steps, {len(waits.started)} kills"
    return [
        Figure(f"kill -9 of the agent worker to its step taken again ({steps})",
               _said(waits.taken), "p95 10 s"),
        Figure("... to the step known to be lost, beside that", _said(waits.found)),
        Figure("... to the new process begun", _said(waits.started)),
        Figure("... CPU of its start and of what was left", _said(waits.cpu)),
    ]  # fmt: skip


def _said(seconds: Sequence[float]) -> str:
    return f"p50 {percentile(seconds, 0.5):.1f} s, p95 {percentile(seconds, 0.95):.1f} s"


def main() -> int:
    """Measure alone, without the rest of the bench."""
    with folder() as stack:
        stack.manage("up", "--detach")
        for figure in figures(measure(stack, kills=20)):
            target = f"   (target {figure.target})" if figure.target else ""
            sys.stdout.write(f"{figure.what:<66} {figure.found}{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
