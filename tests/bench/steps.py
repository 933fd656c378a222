"""CPU of an agent's steps: of the worker's process, and of the rule engine's share in it."""

import json
import time

import psutil
import psycopg

from adapters.inference.embedded import Inference
from adapters.inference.port import Candidate, Question
from tests.bench.figures import cpu
from tests.bench.stack import Stack

QUESTION = "SELECT question FROM public.personas_step WHERE question ->> 'kind' = 'triage' LIMIT 1"
TAKEN = """
    SELECT count(*) FROM public.personas_step s JOIN public.personas_run r ON r.id = s.run_id
    WHERE r.ticket_ref LIKE 'S-%'
"""
DRAIN_SECONDS = 60.0
ENGINE_ROUNDS = 200
INPUTS = {
    "first_question": "triage",
    "escalates_to": "people",
    "alert": {"name": "BenchAlert", "severity": "warning", "symptom": "", "summary": "bench"},
}


def measure(stack: Stack, *, tickets: int) -> tuple[float, float, int]:
    """Return CPU milliseconds per step, of the rule engine alone per question, and the steps."""
    worker = stack.process("agent")
    with stack.connect("owner") as owner, stack.connect("app") as app:
        idle = _idle(worker)
        before, began = cpu(worker), time.monotonic()
        for number in range(tickets):
            ref = f"S-{number:05d}"
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
        steps = _all_taken(owner, 2 * tickets)
        busy = cpu(worker) - before - idle * (time.monotonic() - began)
        row = owner.execute(QUESTION).fetchone()
    assert row is not None
    return 1000 * busy / steps, _engine(row[0]), steps


def _all_taken(owner: psycopg.Connection, wanted: int) -> int:
    deadline = time.monotonic() + DRAIN_SECONDS
    taken = 0
    while time.monotonic() < deadline:
        row = owner.execute(TAKEN).fetchone()
        taken = row[0] if row else 0
        if taken >= wanted:
            return taken
        time.sleep(0.1)
    raise TimeoutError(f"{taken} of {wanted} steps were taken")


def _idle(process: psutil.Process) -> float:
    before = cpu(process)
    time.sleep(4)
    return (cpu(process) - before) / 4


def _engine(question: dict) -> float:
    """CPU milliseconds of one answer of the rule engine, in this process."""
    asked = Question(
        kind=question["kind"],
        card=question["card"],
        facts=question["facts"],
        candidates=tuple(Candidate(**c) for c in question["candidates"]),
    )
    engine = Inference()
    engine.ask(asked)
    began = time.thread_time()
    for _ in range(ENGINE_ROUNDS):
        engine.ask(asked)
    return (time.thread_time() - began) * 1000 / ENGINE_ROUNDS
