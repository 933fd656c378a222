"""What came over the bus, in rows: each parcel once, the dead kept for a while."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from adapters.telemetry import services
from adapters.telemetry.models import DeadLetter, Parcel
from adapters.telemetry.parcels import Parcel as Sent
from adapters.text import one_line, plain

LONGEST_RAW: Final = 4_096
MOST_LETTERS: Final = 1_000
KEEP_LETTERS: Final = timedelta(days=30)
KEEP_PARCELS: Final = timedelta(days=7)
"""Longer than the bus gives anything out."""


@transaction.atomic
def receive(sent: Sent) -> bool:
    """Take a parcel, with the note that it was taken; False where that was done before.

    Raises:
        UnknownObserverError: no observer of pushed lines is declared for the host.
    """
    _, is_new = Parcel.objects.get_or_create(pk=sent.id, defaults={"host": sent.host})
    # A sign of life bears the name of the one before it.
    if not is_new and sent.lines:
        return False
    services.push_over_gap(
        host=sent.host,
        texts=sent.lines,
        after=sent.after,
        position=sent.position,
        complete=sent.complete,
        sent_at=datetime.fromtimestamp(sent.sent_at, UTC),
    )
    return True


@transaction.atomic
def bury(*, raw: bytes, routing_key: str, message_id: str, why: str) -> None:
    """Keep the beginning of a dead letter, once; of very many the oldest go."""
    name = hashlib.sha256(
        b"\x1f".join((*(_bytes(text) for text in (message_id, routing_key)), raw))
    )
    DeadLetter.objects.bulk_create(
        [
            DeadLetter(
                id=name.hexdigest(),
                routing_key=one_line(routing_key, 200),
                why=one_line(why, 300),
                size=len(raw),
                raw=plain(raw[:LONGEST_RAW].decode("utf-8", "replace"), LONGEST_RAW),
            )
        ],
        ignore_conflicts=True,
    )
    keep = DeadLetter.objects.order_by("-at").values("pk")[:MOST_LETTERS]
    if DeadLetter.objects.count() > MOST_LETTERS:
        DeadLetter.objects.exclude(pk__in=list(keep.values_list("pk", flat=True))).delete()


def _bytes(text: str) -> bytes:
    # A sender's properties may hold what is no text.
    return text.encode("utf-8", "surrogatepass")


def forget() -> None:
    """Drop what was kept long enough, by the database's clock."""
    Parcel.objects.filter(at__lt=Now() - KEEP_PARCELS).delete()
    DeadLetter.objects.filter(at__lt=Now() - KEEP_LETTERS).delete()
