"""The queue of intents as admission sees it: how deep it is, and when a new one would begin."""

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

_DEPTH = "SELECT count(*) FROM personas_run WHERE state = 'pending' AND ended_at IS NULL"
_PLACE = """
    SELECT place, gate.estimated_start_s(environment, place)
      FROM (SELECT i.environment, gate.queue_position(r.id) AS place
              FROM personas_run r JOIN personas_agentintent i ON i.id = r.intent_id
             WHERE i.id = %s ORDER BY r.created_at DESC LIMIT 1) own
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
    return Place(0, 0) if row is None else Place(*row)
