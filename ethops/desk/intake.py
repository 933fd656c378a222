"""Intake: raw bytes first, then work, one commit; understanding comes later, in a worker."""

import hashlib
from dataclasses import dataclass

from django.db import connection, transaction

from audit.work import rows
from ethops.desk import alertmanager
from ethops.desk.errors import RejectedError

EMBEDDED = "embedded monitoring"
LONGEST_REASON = 500


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
        fault.delivery_id, _ = _store(sender, raw, content_type, "rejected", fault.reason)
        raise
    with transaction.atomic():
        delivery, repeats = _store(sender, raw, content_type, "stored", "")
        rows.enqueue(
            kind="intake",
            subject=str(delivery),
            payload={"delivery": delivery},
            dedup=f"{delivery}:{repeats}",
            priority=3,
        )
    return Accepted(delivery_id=delivery, repeated=repeats > 0)


def deliver_embedded(raw: bytes) -> None:
    """Take in what the embedded monitoring raises, through the same door."""
    accept(sender=EMBEDDED, raw=raw)


def _store(sender: str, raw: bytes, content_type: str, state: str, reason: str) -> tuple[int, int]:
    """Insert, or count a repeat of the same bytes; returns id and repeats."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO desk_delivery (sender, digest, raw, content_type, state, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (sender, digest) DO UPDATE SET repeats = desk_delivery.repeats + 1,"
            " last_at = clock_timestamp() RETURNING id, repeats",
            [
                sender,
                hashlib.sha256(raw).hexdigest(),
                raw,
                content_type[:200].replace("\0", ""),
                state,
                reason[:LONGEST_REASON],
            ],
        )
        delivery, repeats = cursor.fetchone()
    return int(delivery), int(repeats)
