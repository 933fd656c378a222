"""Rows of the embedded telemetry: whose keys, who watches, what was seen, what queries found."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

SOURCES = ("file", "pushed")
KINDS = ("login", "elevation")
ACTIONS = ("added", "removed", "snapshot")


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Key(models.Model):
    """One of ethops's own keys; a retired one is still ours."""

    name = models.CharField(primary_key=True, max_length=64)
    fingerprint = models.CharField(max_length=64, unique=True)
    accounts = models.JSONField(db_default=[])
    addresses = models.JSONField(db_default=[])
    authority = models.BooleanField(
        db_default=False, help_text="certificates signed by it are ours, whatever key they hold"
    )
    retired_at = models.DateTimeField(null=True)

    class Meta:
        """Named once."""

        verbose_name = "own key"

    def __str__(self) -> str:
        return self.name


class Observer(models.Model):
    """Who watches one host, and how far he has come."""

    host = models.CharField(primary_key=True, max_length=64)
    source = models.CharField(max_length=8, choices=_choices(SOURCES))
    path = models.CharField(max_length=500, db_default="")
    time_zone = models.CharField(max_length=64, db_default="UTC")
    silent_after_s = models.IntegerField()
    skew_s = models.IntegerField()
    retired = models.BooleanField(db_default=False)
    position = models.CharField(max_length=500, db_default="", help_text="opaque: where to go on")
    began_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True, help_text="our clock")
    heard_until = models.DateTimeField(null=True, help_text="the host's clock")
    gap_from = models.DateTimeField(null=True)
    gap_until = models.DateTimeField(null=True)
    clock_off_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, db_default="")

    class Meta:
        """One per host."""

        verbose_name = "observer"
        constraints: ClassVar = [
            models.CheckConstraint(name="observer_source_known", condition=Q(source__in=SOURCES))
        ]

    def __str__(self) -> str:
        return self.host


class Use(models.Model):
    """One login or sudo that concerns ethops; only its end and that it was joined are added."""

    kind = models.CharField(max_length=10, choices=_choices(KINDS))
    host = models.CharField(max_length=64)
    at = models.DateTimeField(help_text="the host's clock")
    after = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(db_default=Now())
    session = models.CharField(max_length=80)
    account = models.CharField(max_length=100)
    granted = models.BooleanField()
    method = models.CharField(max_length=60, db_default="")
    fingerprint = models.CharField(max_length=64, db_default="")
    authority = models.CharField(max_length=64, db_default="")
    address = models.CharField(max_length=100, db_default="")
    port = models.IntegerField(db_default=0)
    run_as = models.CharField(max_length=100, db_default="")
    command = models.TextField(db_default="")
    ended_at = models.DateTimeField(null=True, help_text="the host's clock")
    line = models.TextField()
    position = models.CharField(max_length=200)
    joined_at = models.DateTimeField(null=True)

    class Meta:
        """A line is one use, however often it is read."""

        verbose_name = "use of a key"
        verbose_name_plural = "uses of keys"
        constraints: ClassVar = [
            models.UniqueConstraint(name="use_once", fields=["host", "position"]),
            models.CheckConstraint(name="use_kind_known", condition=Q(kind__in=KINDS)),
        ]
        indexes: ClassVar = [
            models.Index("id", name="use_unjoined", condition=Q(joined_at__isnull=True)),
            models.Index("host", F("at").desc(), name="use_of_host"),
            models.Index(
                "host",
                "session",
                name="use_open",
                condition=Q(kind="login", granted=True, ended_at__isnull=True),
            ),
            models.Index("at", name="use_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account} on {self.host}"


class Parcel(models.Model):
    """A message of the bus that was taken, so that it is not taken twice."""

    id = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Forgotten by age."""

        verbose_name = "parcel of the bus"
        verbose_name_plural = "parcels of the bus"
        indexes: ClassVar = [models.Index("at", name="parcel_age")]

    def __str__(self) -> str:
        return f"{self.host}: {self.id[:12]}"


class DeadLetter(models.Model):
    """A message of the bus that nobody could use; `raw` is its beginning, made fit to show."""

    id = models.CharField(primary_key=True, max_length=64)
    at = models.DateTimeField(db_default=Now())
    routing_key = models.CharField(max_length=200)
    why = models.CharField(max_length=300)
    size = models.BigIntegerField()
    raw = models.TextField()

    class Meta:
        """The newest are kept."""

        verbose_name = "dead letter of the bus"
        verbose_name_plural = "dead letters of the bus"
        indexes: ClassVar = [models.Index("at", name="dead_letter_age")]

    def __str__(self) -> str:
        return f"{self.routing_key}: {self.why}"


class QueryLog(models.Model):
    """A log of osquery's results on this host, and how far it was read."""

    name = models.CharField(primary_key=True, max_length=64)
    path = models.CharField(max_length=500)
    hosts = models.JSONField(help_text="hostIdentifier to CI")
    retired = models.BooleanField(db_default=False)
    position = models.CharField(max_length=500, db_default="", help_text="opaque: where to go on")
    read_at = models.DateTimeField(null=True, help_text="our clock")
    unread = models.BigIntegerField(db_default=0, help_text="lines that were no results")
    unplaced = models.BigIntegerField(db_default=0, help_text="results of hosts without a CI here")
    strangers = models.JSONField(db_default={}, help_text="hosts without a CI here, the newest")
    lost_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, db_default="")

    class Meta:
        """Named once."""

        verbose_name = "log of query results"
        verbose_name_plural = "logs of query results"

    def __str__(self) -> str:
        return self.name


class Result(models.Model):
    """What one query brought, lost or found on a CI, once however often it was written."""

    id = models.CharField(primary_key=True, max_length=64)
    ci = models.CharField(max_length=200)
    query = models.CharField(max_length=100)
    action = models.CharField(max_length=8, choices=_choices(ACTIONS))
    at = models.DateTimeField(help_text="the host's clock, never ahead of ours")
    seen_at = models.DateTimeField(db_default=Now())
    epoch = models.BigIntegerField()
    counter = models.BigIntegerField()
    rows = models.JSONField()
    size = models.IntegerField()
    whole = models.BooleanField()

    class Meta:
        """The newest of each CI are kept."""

        verbose_name = "query result"
        verbose_name_plural = "query results"
        constraints: ClassVar = [
            models.CheckConstraint(name="result_action_known", condition=Q(action__in=ACTIONS))
        ]
        indexes: ClassVar = [
            models.Index("ci", "query", "at", name="result_of_query"),
            models.Index("ci", F("seen_at").desc(), name="result_of_ci"),
            models.Index("seen_at", name="result_age"),
        ]

    def __str__(self) -> str:
        return f"{self.query} of {self.ci}: {self.action}"
