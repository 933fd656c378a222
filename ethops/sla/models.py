"""Rows of the promises: calendars, services, targets, what held for a ticket, stopwatches."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from adapters.levels import DAYS
from audit.fields import ClockTimestamp

CLASSES = ("incident", "problem", "change", "request")
PRIORITIES = ("P1", "P2", "P3", "P4")
KINDS = ("tto", "ttr")
PHASES = ("running", "paused", "stopped")
HOURS = "08:00-12:00, 13:00-17:00, or all day; nothing: no hours"
DECLARED = "it stands in the site file, and changes there"


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Calendar(models.Model):
    """When time counts."""

    name = models.SlugField(max_length=64)
    declared = models.BooleanField(default=False, editable=False, help_text=DECLARED)
    zone = models.CharField("time zone", max_length=64, help_text="as Europe/Berlin, or UTC")
    monday = models.CharField(max_length=200, blank=True, default="", help_text=HOURS)
    tuesday = models.CharField(max_length=200, blank=True, default="")
    wednesday = models.CharField(max_length=200, blank=True, default="")
    thursday = models.CharField(max_length=200, blank=True, default="")
    friday = models.CharField(max_length=200, blank=True, default="")
    saturday = models.CharField(max_length=200, blank=True, default="")
    sunday = models.CharField(max_length=200, blank=True, default="")
    holidays = models.TextField(
        blank=True, default="", help_text="one day a line: 2026-12-25 Christmas"
    )

    class Meta:
        """A name is used once at the desk, and once in the site file."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="calendar_named_once", fields=["name", "declared"])
        ]
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        """Name it."""
        return self.name

    @property
    def week(self) -> list[str]:
        """Return the hours of each day as they were written, Monday first."""
        return [getattr(self, day) for day in DAYS]


class Service(models.Model):
    """What people rely on, and the CIs that it stands on."""

    slug = models.SlugField(max_length=64)
    declared = models.BooleanField(default=False, editable=False, help_text=DECLARED)
    name = models.CharField(max_length=120)
    cis = models.TextField("CIs", blank=True, default="", help_text="one ref a line")

    class Meta:
        """A slug is used once at the desk, and once in the site file."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="service_named_once", fields=["slug", "declared"])
        ]
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        """Name it."""
        return self.name


class Target(models.Model):
    """Within which time a ticket has somebody, and is resolved."""

    ticket_class = models.CharField("class", max_length=16, choices=_choices(CLASSES))
    priority = models.CharField(max_length=2, choices=_choices(PRIORITIES))
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.PROTECT, help_text="none: of every one"
    )
    declared = models.BooleanField(default=False, editable=False, help_text=DECLARED)
    tto_s = models.IntegerField("time to own", null=True, blank=True)
    ttr_s = models.IntegerField("time to resolve", null=True, blank=True)
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT)
    warn = models.CharField(
        "told at 75 %", max_length=150, blank=True, default="",
        help_text="a team or a person; nobody: the ticket alone",
    )  # fmt: skip
    breach = models.CharField(
        "told when it is over", max_length=150, blank=True, default="",
        help_text="a team or a person; nobody: the ticket alone",
    )  # fmt: skip

    class Meta:
        """One for each class, priority and service, at the desk and in the site file."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                name="target_once",
                fields=["ticket_class", "priority", "service", "declared"],
                nulls_distinct=False,
                violation_error_message=("These have a target already."),
            ),
            models.CheckConstraint(
                name="target_promises",
                # NULL is not false: a check lets it pass.
                condition=Q(tto_s__isnull=False, tto_s__gte=60)
                | Q(ttr_s__isnull=False, ttr_s__gte=60),
                violation_error_message="Give a time to own, a time to resolve, or both.",
            ),
        ]
        ordering: ClassVar = ["ticket_class", "priority", F("service").asc(nulls_first=True)]

    def __str__(self) -> str:
        """Say for what it is."""
        of = f" of {self.service.slug}" if self.service else ""
        return f"{self.ticket_class} {self.priority}{of}"


class Terms(models.Model):
    """What was promised to a ticket, word for word: it stays, whatever is promised later."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    body = models.JSONField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Found by what it says."""

        verbose_name = "terms"
        verbose_name_plural = "terms"

    def __str__(self) -> str:
        """Name it by its digest."""
        return self.digest[:12]


class Followed(models.Model):
    """A ticket whose clocks are derived; who derives them holds this row."""

    ticket_ref = models.CharField(primary_key=True, max_length=40, editable=False)
    is_open = models.BooleanField(db_default=True)
    stale = models.BooleanField(db_default=False, help_text="what is promised has changed since")
    derived_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Found by what was looked at longest ago."""

        verbose_name = "followed ticket"
        indexes: ClassVar = [
            models.Index("derived_at", name="followed_open", condition=Q(is_open=True)),
            models.Index("derived_at", name="followed_stale", condition=Q(stale=True)),
        ]

    def __str__(self) -> str:
        """Name the ticket."""
        return self.ticket_ref


class Stopwatch(models.Model):
    """What one clock of a ticket shows: derived from its history and terms, and again at will.

    A running one is due at `due_at`; any other has passed its target where `due_at` is set, then.
    """

    ticket_ref = models.CharField(max_length=40)
    kind = models.CharField(max_length=3, choices=_choices(KINDS))
    ticket_class = models.CharField("class", max_length=16)
    priority = models.CharField(max_length=2)
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT)
    target_s = models.IntegerField()
    phase = models.CharField(max_length=8, choices=_choices(PHASES))
    used_s = models.IntegerField(help_text="up to when its phase began")
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    warn_at = models.DateTimeField(null=True)
    warn_told = models.BooleanField(default=False)
    breach_told = models.BooleanField(default=False)

    class Meta:
        """Found by what is due."""

        verbose_name_plural = "stopwatches"
        constraints: ClassVar = [
            models.UniqueConstraint(name="stopwatch_once", fields=["ticket_ref", "kind"]),
            models.CheckConstraint(name="stopwatch_kind", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(name="stopwatch_phase", condition=Q(phase__in=PHASES)),
        ]
        indexes: ClassVar = [
            models.Index(
                "due_at",
                name="stopwatch_due",
                condition=Q(breach_told=False, due_at__isnull=False),
            ),
            models.Index(
                "warn_at",
                name="stopwatch_warn",
                condition=Q(
                    warn_told=False, warn_at__isnull=False, phase__in=["running", "paused"]
                ),
            ),
            # For the figures of a period.
            models.Index("since", name="stopwatch_stopped", condition=Q(phase="stopped")),
            models.Index("due_at", name="stopwatch_target", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        """Name ticket and kind."""
        return f"{self.ticket_ref} {self.kind}"
