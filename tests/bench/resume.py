"""After kill -9 of the agent worker: how long until another takes the step that it held."""

import json
import random
import time
from datetime import UTC, datetime

import psutil
import psycopg

from tests.bench.stack import Stack
from tests.bench.steps import INPUTS
from tests.waiting import eventually

AT_ONCE = 6
DRAIN_SECONDS = 60.0
LEFT = """
    SELECT 1 FROM public.personas_run WHERE ticket_ref LIKE 'R-%' AND ended_at IS NULL LIMIT 1
"""
LOST = """
    SELECT extract(epoch FROM (
        SELECT min(n.born_at) FROM public.personas_incarnation n
         WHERE n.run_id = i.run_id AND n.step = i.step AND n.born_at > %(killed)s))
        - extract(epoch FROM %(killed)s)
      FROM public.personas_incarnation i
     WHERE i.born_at <= %(killed)s AND i.ending = 'lost'
       AND i.ended_at BETWEEN %(killed)s AND %(killed)s + interval '40 s'
"""


def measure(stack: Stack, *, kills: int) -> list[float]:
    """Return seconds from each death until the lost step was taken again."""
    chance = random.Random(5)  # noqa: S311 - moments, not secrets
    killed: list[datetime] = []
    with stack.connect("owner") as owner, stack.connect("app") as app:
        for number in range(kills):
            _dispatch(owner, app, number)
            time.sleep(chance.uniform(0.0, 0.25))
            killed.append(_kill(stack))
            eventually(
                lambda: owner.execute(LEFT).fetchone() is None,
                DRAIN_SECONDS,
                told="runs to be taken up again",
            )
        found = [
            float(row[0])
            for at in killed
            for row in owner.execute(LOST, {"killed": at}).fetchall()
            if row[0] is not None
        ]
    return sorted(found)


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


def _kill(stack: Stack) -> datetime:
    worker = stack.process("agent")
    family = [worker, *worker.children(recursive=True)]
    at = datetime.now(UTC)
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return at
