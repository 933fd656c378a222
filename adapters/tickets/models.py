"""Rows of the embedded desk: tickets, what they name, their worklog, and deeds by key."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.expressions import F
from django.db.models.functions import Now

from adapters.tickets.states import INITIAL, SETTLED, states

CLASSES = ("incident", "change")
AUTHOR_KINDS = ("person", "agent", "rule", "executor")
VISIBILITIES = ("public", "private")
SCALE = ((1, "high"), (2, "medium"), (3, "low"))


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Ticket(models.Model):
    """An incident, or the standard change that one playbook run is."""

    ref = models.CharField(primary_key=True, max_length=16, editable=False)
    ticket_class = models.CharField("class", max_length=16, choices=_choices(CLASSES))
    title = models.CharField(max_length=200)
    description = models.TextField(db_default="")
    state = models.CharField(max_length=16, db_default=INITIAL)
    priority = models.CharField(max_length=2, choices=_choices(("P1", "P2", "P3", "P4")))
    impact = models.SmallIntegerField(choices=SCALE)
    urgency = models.SmallIntegerField(choices=SCALE)
    team = models.CharField(max_length=64, db_default="")
    assignee = models.CharField(max_length=150, db_default="")
    cause_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique only where set
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    solution = models.TextField(db_default="")
    repeats = models.IntegerField(db_default=0, help_text="drafts of the same cause folded in")
    opened_at = models.DateTimeField(db_default=Now())
    first_bad_at = models.DateTimeField(null=True, help_text="the first bad sample of the cause")
    detected_at = models.DateTimeField(null=True, help_text="when the alert reached us")
    assigned_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        """At most one open incident per cause."""

        verbose_name = "ticket"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="ticket_class_known", condition=Q(ticket_class__in=CLASSES)
            ),
            models.CheckConstraint(
                name="ticket_state_known",
                condition=Q(ticket_class="incident", state__in=states("incident"))
                | Q(ticket_class="change", state__in=states("change")),
            ),
            models.CheckConstraint(
                name="ticket_scales",
                condition=Q(impact__range=(1, 3), urgency__range=(1, 3)),
            ),
            models.UniqueConstraint(
                name="ticket_one_open_incident_per_cause",
                fields=["cause_key"],
                condition=Q(ticket_class="incident") & ~Q(state__in=sorted(SETTLED)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "priority", "opened_at", name="ticket_open", condition=~Q(state__in=sorted(SETTLED))
            ),
            models.Index(F("opened_at").desc(), name="ticket_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"


class TicketCI(models.Model):
    """A CI that a ticket names, by the CMDB's own ref."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="cis")
    ci_ref = models.CharField(max_length=64, db_index=True)

    class Meta:
        """A CI is named once."""

        verbose_name = "CI of a ticket"
        verbose_name_plural = "CIs of tickets"
        constraints: ClassVar = [
            models.UniqueConstraint(name="ticket_ci_once", fields=["ticket", "ci_ref"])
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.ci_ref}"


class LogLine(models.Model):
    """One line of a worklog; a trigger refuses to change or remove it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="lines")
    n = models.IntegerField(help_text="place in this ticket's worklog, from 1")
    at = models.DateTimeField(db_default=Now())
    author = models.CharField(max_length=150)
    author_kind = models.CharField(max_length=16, choices=_choices(AUTHOR_KINDS))
    visibility = models.CharField(max_length=16, choices=_choices(VISIBILITIES))
    text = models.TextField()
    action_id = models.UUIDField(null=True)
    tainted = models.BooleanField(db_default=False, help_text="holds text from outside")

    class Meta:
        """Numbered without gaps in each ticket."""

        verbose_name = "worklog line"
        constraints: ClassVar = [
            models.UniqueConstraint(name="logline_numbered", fields=["ticket", "n"]),
            models.CheckConstraint(
                name="logline_author_kind", condition=Q(author_kind__in=AUTHOR_KINDS)
            ),
            models.CheckConstraint(
                name="logline_visibility", condition=Q(visibility__in=VISIBILITIES)
            ),
        ]
        indexes: ClassVar = [
            models.Index("action_id", name="logline_action", condition=Q(action_id__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} #{self.n}"


class Deed(models.Model):
    """What was done under one idempotency key, written with the effect itself."""

    key = models.UUIDField(primary_key=True, editable=False)
    verb = models.CharField(max_length=16)
    outcome = models.CharField(max_length=16)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="deeds")
    state = models.CharField(max_length=16)
    stimulus = models.CharField(max_length=32, db_default="", help_text="of a move")
    line = models.IntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Never changed, like a worklog line."""

        verbose_name = "deed"

    def __str__(self) -> str:
        return f"{self.verb} on {self.ticket_id}: {self.outcome}"
