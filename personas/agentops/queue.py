"""The queue of intents as admission sees it: how deep it is, and when a new one would begin."""

import math
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

BOUND: Final = 64
"""So many runs may wait to be begun; then nothing more is let in."""
AT_ONCE: Final = 4
"""So many runs are expected to be at work at once, where nothing else is said."""
SHUT_SECONDS: Final = 120
"""After so long whoever met a full queue may come again."""
UNKNOWN_SECONDS: Final = 30.0
"""What a run is thought to take while none has ended."""

_DEPTH = "SELECT count(*) FROM personas_run WHERE state = 'pending' AND ended_at IS NULL"
_PLACE = """
    SELECT (SELECT count(*) FROM personas_run r JOIN personas_agentintent i ON i.id = r.intent_id
             WHERE r.state = 'pending' AND r.ended_at IS NULL
               AND (i.priority, r.created_at, r.id)
                <= (own.priority, own.created_at, own.run)),
           (SELECT count(*) FROM personas_run
             WHERE state IN ('starting', 'running', 'waiting') AND ended_at IS NULL),
           (SELECT avg(duration_ms) FROM (SELECT duration_ms FROM agentops_agentevent
             ORDER BY ended_at DESC LIMIT 50) lately)
      FROM (SELECT i.priority, r.created_at, r.id AS run FROM personas_run r
              JOIN personas_agentintent i ON i.id = r.intent_id WHERE i.id = %s
             ORDER BY r.created_at DESC LIMIT 1) own
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an intent stands; 1 goes next, 0 has begun."""

    position: int
    start_s: int


def depth() -> int:
    """Return how many runs wait to be begun."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPTH)
        return int(cursor.fetchone()[0])


def place(intent: UUID) -> Place:
    """Return where an intent stands, and in about how many seconds it begins."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [intent])
        row = cursor.fetchone()
    if row is None:
        return Place(0, 0)
    position, at_work, mean_ms = row
    mean = UNKNOWN_SECONDS if mean_ms is None else float(mean_ms) / 1000
    return Place(position, estimate(position, at_work=at_work, mean_seconds=mean))


def estimate(position: int, *, at_work: int, mean_seconds: float) -> int:
    """Return in how many seconds the one at this position begins, by how long runs take."""
    before = position - 1 + at_work
    if position < 1 or before < AT_ONCE:
        return 0
    return math.ceil((before - AT_ONCE + 1) * mean_seconds / AT_ONCE)
