"""Intake: raw bytes first, then work, one commit; understanding comes later, in a worker."""

import hashlib
from dataclasses import dataclass

from django.db import connection

from ethops.desk import alertmanager
from ethops.desk.errors import RejectedError

EMBEDDED = "embedded monitoring"
LONGEST_REASON = 500

STORE = """
    INSERT INTO public.desk_delivery (sender, digest, raw, content_type, state, reason)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (sender, digest) DO UPDATE
       SET repeats = desk_delivery.repeats + 1, last_at = clock_timestamp()
    RETURNING id, repeats
"""
STORE_WITH_WORK = f"""
    WITH stored AS ({STORE})
    SELECT id, repeats, audit.enqueue('intake', 'control', id::text,
        jsonb_build_object('delivery', id), id || ':' || repeats, 3,
        p_max_attempts => 8) FROM stored
"""
"""One statement, one way to the database and back: a sender waits for it under any load.

Eight tries take some two minutes: a database that is being restarted takes no alert with it.
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A delivery that is safe: stored, with work to do about it."""

    delivery_id: int
    repeated: bool


def accept(*, sender: str, raw: bytes, content_type: str = "application/json") -> Accepted:
    """Store a delivery and its work; RejectedError after storing what cannot be understood."""
    try:
        alertmanager.parse(raw, content_type)
    except RejectedError as fault:
        fault.delivery_id, _ = _store(
            STORE, sender, raw, content_type, "rejected", fault.reason[:LONGEST_REASON]
        )
        raise
    delivery, repeats = _store(STORE_WITH_WORK, sender, raw, content_type, "stored")
    return Accepted(delivery_id=delivery, repeated=repeats > 0)


def deliver_embedded(raw: bytes) -> None:
    """Take in what the embedded monitoring raises, through the same door."""
    accept(sender=EMBEDDED, raw=raw)


def _store(
    statement: str, sender: str, raw: bytes, content_type: str, state: str, reason: str = ""
) -> tuple[int, int]:
    """Insert, or count a repeat of the same bytes; returns id and repeats."""
    digest = hashlib.sha256(raw).hexdigest()
    kept_type = content_type[:200].replace("\0", "")
    with connection.cursor() as cursor:
        cursor.execute(statement, [sender, digest, raw, kept_type, state, reason])
        delivery, repeats = cursor.fetchone()[:2]
    return int(delivery), int(repeats)
