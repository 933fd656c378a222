"""Rows of the desk: senders, deliveries, events and what became of them, uses of keys."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F

from audit.fields import ClockTimestamp


class Sender(models.Model):
    """Who may deliver alerts; only the SHA-256 of the token is kept."""

    name = models.CharField(primary_key=True, max_length=60)
    token_hash = models.CharField(max_length=64, unique=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    silent_after_s = models.IntegerField(
        null=True, blank=True, validators=[MinValueValidator(10), MaxValueValidator(604_800)],
        help_text="seconds after which a person is told that nothing comes; empty: never",
    )  # fmt: skip
    watchdog = models.CharField(
        max_length=80, blank=True, db_default="",
        help_text="the alert that must keep coming, such as Watchdog; empty: anything",
    )  # fmt: skip

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
        indexes: ClassVar = [
            models.Index(F("received_at").desc(), name="delivery_recent"),
            models.Index(F("sender"), F("last_at").desc(), name="delivery_heard"),
        ]

    def __str__(self) -> str:
        """Name the delivery."""
        return f"{self.sender} {self.digest[:12]}"


class Event(models.Model):
    """One alert of one delivery, and what was decided about it."""

    DECISIONS: ClassVar = ["opened", "folded", "reopened", "ended", "dropped", "suppressed"]
    MEANINGS: ClassVar = ["informational", "warning", "exception", "recovery"]

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
    meaning = models.CharField(
        max_length=14, db_default="", help_text="what it was before anybody was called"
    )
    decision = models.CharField(max_length=10, choices=[(d, d) for d in DECISIONS])
    reason = models.TextField(db_default="")
    ticket_ref = models.CharField(max_length=40, db_default="")
    window = models.ForeignKey(
        "MaintenanceWindow",
        null=True,
        on_delete=models.PROTECT,
        related_name="events",
        help_text="the maintenance window that held it back",
    )
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
            models.Index(F("at").desc(), name="event_recent"),
            models.Index("window", name="event_held", condition=models.Q(decision="suppressed")),
        ]

    def __str__(self) -> str:
        """Name the alert."""
        return f"{self.labels.get('alertname', '?')} {self.status}"


class EventPolicy(models.Model):
    """The numbers of event management: one row, held by whoever decides about an alert."""

    reopen_s = models.IntegerField("reopens within, s", db_default=15_300)
    relate_s = models.IntegerField("together within, s", db_default=300)
    storm_causes = models.IntegerField("causes of a storm", db_default=8)
    settle_s = models.IntegerField("a storm is over after, s", db_default=60)
    flap_changes = models.IntegerField("changes that are flapping", db_default=6)
    flap_window_s = models.IntegerField("within, s", db_default=1_800)
    flap_calm_s = models.IntegerField("stable after, s", db_default=600)

    class Meta:
        """One row; each number within reason."""

        verbose_name = "number of event management"
        verbose_name_plural = "numbers of event management"
        constraints: ClassVar = [
            models.CheckConstraint(name="eventpolicy_one", condition=models.Q(id=1)),
            models.CheckConstraint(
                name="eventpolicy_bounds",
                condition=models.Q(
                    reopen_s__range=(0, 604_800),
                    relate_s__range=(1, 3_600),
                    storm_causes__range=(3, 100_000),
                    settle_s__range=(1, 3_600),
                    flap_changes__range=(3, 1_000),
                    flap_window_s__range=(10, 86_400),
                    flap_calm_s__range=(1, 86_400),
                ),
            ),
        ]

    def __str__(self) -> str:
        """Name them."""
        return "numbers of event management"


class MaintenanceWindow(models.Model):
    """A while in which alerts about something are expected; declared by a person, never changed."""

    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    everything = models.BooleanField(db_default=False, default=False)
    cis = models.JSONField(db_default=[], default=list, help_text="with what depends on them")
    group = models.JSONField(db_default={}, default=dict, help_text="label: value, all of them")
    why = models.TextField()
    declared_by = models.CharField(max_length=150)
    declared_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_by = models.CharField(max_length=150, db_default="", help_text="who ended it early")
    closed_at = models.DateTimeField(null=True, help_text="when what still stood was looked at")

    class Meta:
        """Read by its end."""

        verbose_name = "maintenance window"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="window_ends", condition=models.Q(ends_at__gte=F("begins_at"))
            )
        ]
        indexes: ClassVar = [
            models.Index("ends_at", name="window_open", condition=models.Q(closed_at=None))
        ]

    def __str__(self) -> str:
        """Name the window."""
        return f"maintenance window {self.pk}"


class Flapping(models.Model):
    """A cause that comes and goes; derived from its events."""

    cause_key = models.CharField(primary_key=True, max_length=200)
    ticket_ref = models.CharField(max_length=40, db_default="")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, help_text="stable since then; empty while it flaps")

    class Meta:
        """Read by those that flap, and by ticket."""

        verbose_name = "flapping cause"
        indexes: ClassVar = [
            models.Index("ticket_ref", name="flapping_now", condition=models.Q(until=None))
        ]

    def __str__(self) -> str:
        """Name the cause."""
        return self.cause_key


class Storm(models.Model):
    """Many causes at once that hang together: one incident, whose root is sought."""

    ticket_ref = models.CharField(primary_key=True, max_length=40)
    began_at = models.DateTimeField(db_default=ClockTimestamp())
    settled_at = models.DateTimeField(null=True, help_text="nothing new came for the settle time")

    class Meta:
        """Read by those that still grow."""

        verbose_name = "storm of alerts"
        verbose_name_plural = "storms of alerts"
        indexes: ClassVar = [
            models.Index("began_at", name="storm_growing", condition=models.Q(settled_at=None))
        ]

    def __str__(self) -> str:
        """Name its incident."""
        return self.ticket_ref


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
