"""What of the card's figures is measured within a process of ours, by `tests.child`: `... PART`.

`order` times the worker's own code as the worker's role, on rows that its parent has made;
`backlog` and `stops` ask the queue as the app does, and wait until all has ended.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from adapters.inference.ollama import Server
from gpu import relay, rows
from gpu.models import Card
from gpu.policy.chosen import named
from gpu.policy.view import Running
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier, queue_name
from gpu.worker import current, doors, knowing
from gpu.worker.current import Held
from gpu.worker.order import CardOrder
from gpu.worker.watch import gives_way
from tests.waiting import eventually

TIMES = 300
BACKLOG = 200
STOPS = 20
SLOT = "reason-14b"
"""Both tiers use it, so that a stop is no load."""
LONG_TOKENS = 12_000
PATIENCE_SECONDS = 60.0

_numbers = itertools.count(1000 * os.getpid())
"""The simulated server writes down what has a number, and knows no number twice."""


def order() -> dict[str, list[float]]:
    """Time `consume` over all queues, the quick look and the whole one; milliseconds."""
    card = Card.objects.get(name="card0")
    slots = knowing.slots()
    held = Held(
        name=card.name,
        fence=card.fence,
        server=Server("http://127.0.0.1:9"),  # nothing that is timed here asks it
        policy=named("best"),
        facts=knowing.facts(card, slots),
        slots=slots,
        clock=knowing.clock(),
    )
    held.state = held.state.loaded(SLOT)
    current.serve(held)
    cycle = CardOrder(
        queue_name(Tier(tier), slot.name) for slot in slots.values() for tier in slot.tiers
    )
    running = Running(Tier.RESEARCH, SLOT, embeds=False, began=held.clock.now())
    return {
        "queues": [float(len(cycle.names))],
        "consume": _timed(lambda: cycle.consume(1)),
        "quick": _timed(doors.ops_wait),
        "whole": _timed(lambda: gives_way(held, running)),
    }


def _timed(call: Callable[[], object]) -> list[float]:
    for _ in range(20):
        call()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def backlog() -> None:
    """Ask for many short answers at once."""
    _wait([_ask(Tier.OPS, 2) for _ in range(BACKLOG)])


def stops() -> None:
    """Let operations stop a long answer, again and again; it goes on in between."""
    long = _ask(Tier.RESEARCH, LONG_TOKENS)
    for _ in range(STOPS):
        _until(lambda: Card.objects.get(name="card0").doing_tier == Tier.RESEARCH)
        time.sleep(0.3)  # some tokens, so that there is something to keep
        _wait([_ask(Tier.OPS, 2)])
    rows.cancel(long, "the bench has seen enough")


def fill() -> None:
    """Let some wait in every queue; nobody serves the card meanwhile."""
    for slot in (slot for slot in rows.slots() if slot.kind == "chat"):
        for tier in slot.tiers:
            for _ in range(10):
                rows.submit(_request(Tier(tier), slot.name, 100))


def _ask(tier: Tier, tokens: int) -> UUID:
    job_id = rows.submit(_request(tier, SLOT, tokens))
    relay.publish(queue_name(tier, SLOT), job_id)
    return job_id


def _request(tier: Tier, slot: str, tokens: int) -> Request:
    return Request(
        tier=tier,
        slot=slot,
        kind=JobKind.CHAT,
        principal="system",
        body={
            "messages": [{"role": "user", "content": "Say something."}],
            "sampling": {"num_predict": tokens},
        },
        label=str(next(_numbers)),
        max_waiting=100_000,
    )


def _wait(jobs: Sequence[UUID]) -> None:
    _until(lambda: all(found is not None and found.over for found in map(rows.job, jobs[-1:])))
    _until(lambda: all(found is not None and found.over for found in map(rows.job, jobs)))


def _until(what: Callable[[], bool]) -> None:
    eventually(what, PATIENCE_SECONDS, told="the queue stands still")


if __name__ == "__main__":
    parts = {"order": order, "backlog": backlog, "stops": stops, "fill": fill}
    sys.stdout.write(json.dumps(parts[sys.argv[1]]()))
