"""Rows of the embedded monitoring: what is probed, what was seen, what it amounts to."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

KINDS = ("http", "tcp", "directory", "filesystem", "load", "prometheus", "change")
SEVERITIES = ("critical", "warning", "info")
STATUSES = ("quiet", "firing", "resolved")


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Probe(models.Model):
    """A declared probe, when it is due, and who is running it now."""

    name = models.CharField(primary_key=True, max_length=64)
    ci_ref = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=16, choices=_choices(KINDS))
    params = models.JSONField(db_default={})
    interval_s = models.FloatField()
    bad_after = models.SmallIntegerField(help_text="bad samples in a row until the alert fires")
    good_after = models.SmallIntegerField(help_text="good samples in a row until it resolves")
    alertname = models.CharField(max_length=120)
    severity = models.CharField(max_length=16, choices=_choices(SEVERITIES))
    host = models.CharField(max_length=64, db_default="")
    retired = models.BooleanField(db_default=False)
    next_due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)

    class Meta:
        """One index for the sweep's claim."""

        verbose_name = "probe"
        indexes: ClassVar = [
            models.Index("next_due_at", name="probe_due", condition=Q(retired=False))
        ]

    def __str__(self) -> str:
        return self.name


class Sample(models.Model):
    """One look; kept for a day."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField()
    ok = models.BooleanField()
    symptom = models.CharField(max_length=16)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=16, db_default="")
    detail = models.CharField(max_length=300, db_default="")

    class Meta:
        """Read by probe and time, pruned by time."""

        verbose_name = "sample"
        indexes: ClassVar = [
            models.Index("probe", "at", name="sample_of_probe"),
            models.Index("at", name="sample_age"),
        ]

    def __str__(self) -> str:
        return f"{self.probe_id} at {self.at}: {self.symptom}"


class PastHour(models.Model):
    """What a probe's value was in one whole hour; kept for eight days."""

    probe = models.ForeignKey(Probe, on_delete=models.CASCADE, related_name="past_hours")
    begin = models.DateTimeField(db_index=True)
    low = models.FloatField()
    middle = models.FloatField(help_text="median")
    high = models.FloatField()
    points = models.IntegerField(help_text="samples, or points of a range query")

    class Meta:
        """Once per hour."""

        verbose_name = "past hour"
        constraints: ClassVar = [
            models.UniqueConstraint("probe", "begin", name="past_hour_once"),
        ]

    def __str__(self) -> str:
        return f"{self.probe_id} from {self.begin}"


class AlertState(models.Model):
    """Where a probe's alert stands, and what of it has been delivered."""

    probe = models.OneToOneField(
        Probe, primary_key=True, on_delete=models.CASCADE, related_name="alert"
    )
    status = models.CharField(max_length=16, choices=_choices(STATUSES), db_default="quiet")
    bad_run = models.IntegerField(db_default=0)
    good_run = models.IntegerField(db_default=0)
    first_bad_at = models.DateTimeField(null=True)
    good_since = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    fingerprint = models.CharField(max_length=16, db_default="")
    symptom = models.CharField(max_length=16, db_default="")
    description = models.CharField(max_length=300, db_default="")
    last_symptom = models.CharField(max_length=16, db_default="")
    last_sample_at = models.DateTimeField(null=True)
    body = models.TextField(db_default="", help_text="the last transition's body, sent again")
    owed = models.JSONField(db_default=[], help_text="bodies not yet delivered, oldest first")
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        """One row per probe."""

        verbose_name = "alert state"
        constraints: ClassVar = [
            models.CheckConstraint(name="alert_status_known", condition=Q(status__in=STATUSES))
        ]

    def __str__(self) -> str:
        return f"{self.probe_id}: {self.status}"
