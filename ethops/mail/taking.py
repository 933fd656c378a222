"""Taking a letter in: its bytes and the work on them in one commit, and only then it is kept."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.work import rows
from ethops.guests.knocks import Bound
from ethops.mail.models import Letter

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a letter; a file of 45 MB has so many in a letter."""
KEEP_DAYS: Final = 30
FROM_ONE: Final = Bound("mail from one", 60, 3_600)
FROM_ALL: Final = Bound("mail from all", 3_000, 3_600)


def too_often(envelope_from: str) -> bool:
    """Count a letter; True where its sender, or all together, send more than people do."""
    return bool(FROM_ONE.knock(envelope_from.lower()) or FROM_ALL.knock("all"))


@transaction.atomic
def take(raw: bytes, envelope_from: str) -> int:
    """Keep a letter and order that it be read; returns its number, a repeat's that of the first."""
    digest = sha256(raw).hexdigest()
    row, new = Letter.objects.get_or_create(
        digest=digest,
        defaults={
            "raw": raw,
            "size": len(raw),
            "envelope_from": envelope_from[:320],
            "state": "stored",
        },
    )
    if not new:
        Letter.objects.filter(pk=row.pk).update(repeats=F("repeats") + 1)
        return row.pk
    rows.enqueue(
        # What came in from outside, like an alert.
        kind="intake",
        subject=str(row.pk),
        payload={"letter": row.pk},
        dedup=f"letter:{digest}",
        priority=3,
    )
    return row.pk


def forget() -> int:
    """Empty letters that were read long ago; what became of them stays."""
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    old = Letter.objects.filter(received_at__lt=before).exclude(raw=b"").exclude(state="stored")
    return old.update(raw=b"")
