"""Letters as they were delivered, byte for byte, and what was decided about each."""

from typing import ClassVar

from django.db import models
from django.db.models import F

from audit.fields import ClockTimestamp


class Letter(models.Model):
    """One letter; the same bytes delivered again are the same letter."""

    STATES: ClassVar = ["stored", "filed", "answered", "dropped", "refused"]

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the bytes")
    raw = models.BinaryField(help_text="as delivered; emptied after thirty days")
    size = models.IntegerField(help_text="bytes")
    envelope_from = models.CharField(max_length=320, db_default="")
    sender = models.CharField(max_length=254, db_default="", help_text="as the letter says")
    message_id = models.CharField(max_length=300, db_default="")
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES])
    reason = models.CharField(max_length=300, db_default="")
    ticket_ref = models.CharField(max_length=16, db_default="")
    received_at = models.DateTimeField(db_default=ClockTimestamp())
    repeats = models.IntegerField(db_default=0)

    class Meta:
        """Newest first, and by ticket."""

        verbose_name = "letter"
        indexes: ClassVar = [
            models.Index(F("received_at").desc(), name="letter_newest"),
            models.Index("ticket_ref", name="letter_ticket"),
        ]

    def __str__(self) -> str:
        """Name the sender."""
        return f"{self.sender or self.envelope_from or 'nobody'}: {self.state}"
