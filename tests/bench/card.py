"""The worker of a card: what its order costs, and how long the card stands still between two jobs.

Between two whole answers the simulated server has the pen: from the end of one to the request of
the next. A stop takes the server a while, as it does a real one, so there the worker's own rows
count: from its word that a stretch is over to the begin of operations' job.
"""

import json
import sys
from itertools import pairwise

import psycopg

from gpu.replay import events
from tests.bench.card_house import CARD, CardHouse, card_house
from tests.bench.figures import Figure, spread

SCALE = 0.2
MORE_SLOTS = 8
CHILD = ("tests.child", "tests.bench.card_child")
HANDED = """
    SELECT 1000 * extract(epoch FROM next.started_at - p.ended_at)::float8
      FROM gpu_piece p
      JOIN LATERAL (SELECT started_at FROM gpu_job j WHERE j.tier = 'ops'
                     AND j.started_at >= p.ended_at ORDER BY j.started_at LIMIT 1) next ON true
     WHERE p.ending = 'preempted'
"""
REACHED = """
    SELECT 1000 * wait_s FROM gpu_job
     WHERE tier = 'ops' AND started_at >= (SELECT min(ended_at) FROM gpu_piece
                                            WHERE ending = 'preempted')
"""
COPY = """
    INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s, tokens_per_s,
                          prefill_per_s, tiers)
    SELECT %s, model, kind, options, context, vram_mb, load_s, tokens_per_s, prefill_per_s,
           '["ops", "embedding", "research"]'
      FROM gpu_slot WHERE name = 'reason-14b'
"""


def measure() -> list[Figure]:
    """Return all figures, with what they are made of."""
    with card_house(SCALE) as house:
        gaps = _gaps(house)
        house.python("web", *CHILD, "stops")
        handed, reached = _column(house, HANDED), _column(house, REACHED)
        cost = _order(house)
    return [
        Figure(f"card: `consume()` over {cost['queues'][0]:.0f} queues, 10 jobs in each",
               spread(cost["consume"], 2), "p50 1"),
        Figure("card: does anybody of operations wait? asked while a lower answer runs",
               spread(cost["quick"], 2), "0.2"),
        Figure("... and what the policy says to everything that waits, asked once a second",
               spread(cost["whole"], 2)),
        Figure("card: from the end of one job to the start of the next", spread(gaps), "p50 15"),
        Figure("card: from the stop of a lower job to the begin of operations'", spread(handed),
               "50"),
        Figure("... and from the question of operations to there", spread(reached)),
    ]  # fmt: skip


def _gaps(house: CardHouse) -> list[float]:
    """Let the child ask for a backlog; milliseconds in which the card stood still."""
    house.python("web", *CHILD, "backlog")
    log = sorted(events.read(house.events), key=lambda event: event.at)
    return [
        1000 * (after.at - before.at)
        for before, after in pairwise(log)
        if (before.ev, after.ev) == ("finished", "started")
    ]


def _column(house: CardHouse, statement: str) -> list[float]:
    with psycopg.connect(house.layout.dsn("ethops_owner")) as owner:
        return [float(row[0]) for row in owner.execute(statement).fetchall()]


def _order(house: CardHouse) -> dict[str, list[float]]:
    """Time the worker's own questions; the worker itself stands still, so that all wait."""
    worker = house.process(CARD)
    with psycopg.connect(house.layout.dsn("ethops_owner"), autocommit=True) as owner:
        for number in range(MORE_SLOTS):
            owner.execute(COPY, [f"more-{number}"])
    worker.suspend()
    try:
        house.python("web", *CHILD, "fill")
        found: dict[str, list[float]] = json.loads(house.python("gpu", *CHILD, "order"))
    finally:
        worker.resume()
    return found


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure.what:<74} {figure.found}   {figure.target}\n")
