"""Rows of notices: whom we can reach and how, who is to be told of what, and what was told."""

import uuid
from datetime import time
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp
from ethops.notify.policy import Quiet, Wanted

KINDS = ("mail", "http", "ntfy", "matrix")
OCCASIONS = ("opened", "moved", "said")
WHOM = ("contact", "requester", "watchers", "assignee", "team")
DECLARED = "it stands in the site file, and changes there"


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Contact(models.Model):
    """How a person or a team is reached, and when they are left alone."""

    name = models.CharField(max_length=150, help_text="a login, or the name of a team")
    declared = models.BooleanField(default=False, editable=False, help_text=DECLARED)
    kind = models.CharField(max_length=8, choices=_choices(KINDS))
    target = models.CharField(max_length=500, help_text="an address of mail, or an http(s) URL")
    zone = models.CharField("time zone", max_length=64, default="UTC")
    quiet_from = models.TimeField(null=True, blank=True, help_text="such as 22:00")
    quiet_to = models.TimeField(null=True, blank=True, help_text="such as 07:00")
    handover_at = models.TimeField(
        null=True, blank=True, help_text="when he is told what happened since the day before"
    )
    escalates_to = models.CharField(
        max_length=150, blank=True, default="", help_text="another contact, told where he is silent"
    )

    class Meta:
        """A name is used once at the desk, and once in the site file."""

        verbose_name = "contact"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="contact_named_once", fields=["name", "declared"]),
            models.CheckConstraint(name="contact_kind", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(
                name="contact_quiet_whole",
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """Name it."""
        return self.name

    @property
    def quiet(self) -> Quiet | None:
        """His quiet hours, if he has any."""
        if not isinstance(self.quiet_from, time) or not isinstance(self.quiet_to, time):
            return None
        return Quiet(self.zone, self.quiet_from, self.quiet_to)


class Rule(models.Model):
    """Who is to be told when something happens to a ticket."""

    name = models.CharField(max_length=100)
    declared = models.BooleanField(default=False, editable=False, help_text=DECLARED)
    enabled = models.BooleanField(default=True)
    occasion = models.CharField(
        max_length=8, choices=_choices(OCCASIONS), help_text="said: a public line of the worklog"
    )
    ticket_class = models.CharField(max_length=16, blank=True, default="")
    priorities = models.CharField(
        max_length=20, blank=True, default="", help_text="such as P1 P2; empty for all"
    )
    states = models.CharField(
        max_length=200, blank=True, default="", help_text="such as resolved closed; empty for all"
    )
    service = models.CharField(max_length=64, blank=True, default="")
    whom = models.CharField(max_length=12, choices=_choices(WHOM))
    contact = models.CharField(
        max_length=150, blank=True, default="", help_text="of `contact`: whose name"
    )
    until_acknowledged = models.BooleanField(
        default=False, help_text="tell again, with growing pauses, until somebody says he has it"
    )

    class Meta:
        """A name is used once at the desk, and once in the site file."""

        verbose_name = "rule of notices"
        verbose_name_plural = "rules of notices"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="noticerule_named_once", fields=["name", "declared"]),
            models.CheckConstraint(name="noticerule_occasion", condition=Q(occasion__in=OCCASIONS)),
            models.CheckConstraint(name="noticerule_whom", condition=Q(whom__in=WHOM)),
        ]

    def __str__(self) -> str:
        """Name it."""
        return self.name

    @property
    def wanted(self) -> Wanted:
        """What it is about."""
        return Wanted(
            self.occasion,  # type: ignore[arg-type]
            self.ticket_class,
            tuple(self.priorities.split()),
            tuple(self.states.split()),
            self.service,
        )


class Moment(models.Model):
    """A deed that nobody was told of yet; a trigger writes it with the deed, by whatever door."""

    deed = models.UUIDField(unique=True)
    ticket_ref = models.CharField(max_length=16)
    verb = models.CharField(max_length=16)
    stimulus = models.CharField(max_length=32)
    state = models.CharField(max_length=32)
    line = models.IntegerField(null=True)

    class Meta:
        """Looked at in the order in which they were written."""

        verbose_name = "moment"

    def __str__(self) -> str:
        """Name the deed."""
        return f"{self.verb} on {self.ticket_ref}"


class Notice(models.Model):
    """What somebody is to be told, how often he was, and whether he has it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=300, unique=True, help_text="of what it tells whom, once")
    rule = models.CharField(max_length=100)
    ticket_ref = models.CharField(max_length=16, db_default="")
    to = models.CharField(max_length=254, help_text="a contact's name, or an address of mail")
    kind = models.CharField(max_length=8)
    target = models.CharField(max_length=500)
    reader = models.CharField(
        max_length=150, db_default="", help_text="who asked for the ticket, where he reads it"
    )
    priority = models.CharField(max_length=2, db_default="")
    title = models.CharField(max_length=250)
    text = models.TextField()
    until_acknowledged = models.BooleanField(db_default=False)
    made_at = models.DateTimeField(db_default=ClockTimestamp())
    next_at = models.DateTimeField(null=True, help_text="none: it is over")
    told = models.IntegerField(db_default=0)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, db_default="")

    class Meta:
        """Read by what is due, and by ticket."""

        verbose_name = "notice"
        indexes: ClassVar = [
            models.Index("next_at", name="notice_due", condition=Q(next_at__isnull=False)),
            models.Index("ticket_ref", F("made_at").desc(), name="notice_ticket"),
            models.Index(F("made_at").desc(), name="notice_newest"),
        ]

    def __str__(self) -> str:
        """Name what and whom."""
        return f"{self.title} to {self.to}"
