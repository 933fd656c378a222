"""Rows of guests: links to one ticket for one person, and how often a door was knocked at."""

from typing import ClassVar

from django.db import models
from django.db.models import F

from audit.fields import ClockTimestamp


class Link(models.Model):
    """Opens one ticket to one person until it expires; only the SHA-256 of its secret is kept."""

    token_hash = models.CharField(primary_key=True, max_length=64, editable=False)
    ticket_ref = models.CharField(max_length=16)
    person = models.CharField(max_length=150, help_text="as whom its bearer comes")
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(db_default=ClockTimestamp())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=150, db_default="")

    class Meta:
        """Read by ticket, newest first."""

        verbose_name = "link to a ticket"
        verbose_name_plural = "links to tickets"
        indexes: ClassVar = [
            models.Index("ticket_ref", F("made_at").desc(), name="guestlink_ticket")
        ]

    def __str__(self) -> str:
        """Name the ticket and the person, never the secret."""
        return f"{self.ticket_ref} for {self.person}"


class Knock(models.Model):
    """How often somebody came to a door within one span of time."""

    door = models.CharField(max_length=200)
    slot = models.BigIntegerField(help_text="unix time divided by the span")
    number = models.IntegerField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One row per door and span; looked through by age."""

        verbose_name = "knock"
        constraints: ClassVar = [
            models.UniqueConstraint(name="knock_once", fields=["door", "slot"])
        ]
        indexes: ClassVar = [models.Index("at", name="knock_age")]

    def __str__(self) -> str:
        """Name the door."""
        return f"{self.door}: {self.number}"
