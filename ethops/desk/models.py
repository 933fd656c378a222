"""Rows of the desk: senders, deliveries, events, occasions of schedules, joined uses of keys."""

from typing import ClassVar

from django.db import models
from django.db.models import F

from audit.fields import ClockTimestamp


class Sender(models.Model):
    """Who may deliver alerts; only the SHA-256 of the token is kept."""

    name = models.CharField(primary_key=True, max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    def __str__(self) -> str:
        """Name the sender."""
        return self.name


class Delivery(models.Model):
    """What a sender delivered, byte for byte."""

    STATES: ClassVar = ["stored", "read", "rejected"]

    sender = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the raw body")
    raw = models.BinaryField()
    content_type = models.CharField(max_length=200, db_default="")
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES])
    reason = models.TextField(db_default="")
    received_at = models.DateTimeField(db_default=ClockTimestamp())
    repeats = models.IntegerField(db_default=0)
    last_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """The same bytes from the same sender are one delivery with repeats."""

        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(name="delivery_once", fields=["sender", "digest"])
        ]
        indexes: ClassVar = [models.Index(F("received_at").desc(), name="delivery_recent")]

    def __str__(self) -> str:
        """Name the delivery."""
        return f"{self.sender} {self.digest[:12]}"


class Event(models.Model):
    """One alert of one delivery, and what was decided about it."""

    DECISIONS: ClassVar = ["opened", "folded", "reopened", "ended", "dropped"]

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="events")
    fingerprint = models.CharField(max_length=64)
    starts_at = models.CharField(max_length=40, help_text="as sent: never parsed for a key")
    status = models.CharField(max_length=10)
    labels = models.JSONField()
    annotations = models.JSONField()
    joined = models.CharField(max_length=12)
    ci_ref = models.CharField(max_length=120, db_default="")
    join_report = models.JSONField(db_default=[])
    cause_key = models.CharField(max_length=200)
    decision = models.CharField(max_length=10, choices=[(d, d) for d in DECISIONS])
    reason = models.TextField(db_default="")
    ticket_ref = models.CharField(max_length=40, db_default="")
    repeats = models.IntegerField(db_default=0)
    at = models.DateTimeField(db_default=ClockTimestamp())
    last_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """An episode is (fingerprint, start, status); its repeats are counted, not stored."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                name="event_once", fields=["fingerprint", "starts_at", "status"]
            )
        ]
        indexes: ClassVar = [
            models.Index("ticket_ref", "at", name="event_ticket"),
            models.Index("cause_key", "at", name="event_cause"),
        ]

    def __str__(self) -> str:
        """Name the alert."""
        return f"{self.labels.get('alertname', '?')} {self.status}"


class Occasion(models.Model):
    """One occasion of a schedule; beat may fire twice, the row exists once."""

    schedule = models.CharField(max_length=60)
    slot = models.BigIntegerField(help_text="unix time divided by the interval")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Unique per schedule and slot."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="occasion_once", fields=["schedule", "slot"])
        ]

    def __str__(self) -> str:
        """Name the occasion."""
        return f"{self.schedule} {self.slot}"


class KeyUse(models.Model):
    """What the join of keys with permits said, once per login, end of a login, sudo or permit."""

    subject = models.CharField(primary_key=True, max_length=60, help_text="use:N, end:N, permit:ID")
    verdict = models.CharField(max_length=20)
    faults = models.JSONField(db_default=[], help_text="all that is wrong; none: it is explained")
    host = models.CharField(max_length=64)
    happened_at = models.DateTimeField(help_text="the host's clock; of a permit, when it ended")
    permit = models.UUIDField(null=True, help_text="the action that explains it")
    ticket_ref = models.CharField(max_length=40, db_default="", help_text="the incident about it")
    evidence = models.JSONField(db_default={})
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Read by host, and mismatches first."""

        verbose_name = "joined use of a key"
        verbose_name_plural = "joined uses of keys"
        indexes: ClassVar = [
            models.Index("host", F("happened_at").desc(), name="keyuse_host"),
            models.Index(F("at").desc(), name="keyuse_wrong", condition=~models.Q(faults=[])),
        ]

    def __str__(self) -> str:
        """Name what was judged and how."""
        return f"{self.subject}: {self.verdict}"
