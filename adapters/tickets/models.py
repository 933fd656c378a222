"""Rows of the embedded desk: tickets, what they name, their worklog, and deeds by key."""

from functools import reduce
from operator import or_
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.expressions import F
from django.db.models.functions import Now

from adapters.tickets.states import INITIAL, MOVES, SETTLED, VARIANTS

CLASSES = tuple(MOVES)
AUTHOR_KINDS = ("person", "agent", "rule", "executor")
VISIBILITIES = ("public", "private")
LINK_KINDS = ("caused_by", "solved_by", "follows")
WATCHES = ("asked", "mentioned", "wrote", "requested")
OUTCOMES = ("successful", "failed", "backed_out", "cancelled")
SCALE = ((1, "high"), (2, "medium"), (3, "low"))


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Ticket(models.Model):
    """What every ticket has; a row of its class beside it holds the rest."""

    ref = models.CharField(primary_key=True, max_length=16, editable=False)
    ticket_class = models.CharField("class", max_length=16, choices=_choices(CLASSES))
    title = models.CharField(max_length=200)
    description = models.TextField(db_default="")
    state = models.CharField(max_length=32, db_default=INITIAL)
    priority = models.CharField(max_length=2, choices=_choices(("P1", "P2", "P3", "P4")))
    impact = models.SmallIntegerField(choices=SCALE)
    urgency = models.SmallIntegerField(choices=SCALE)
    team = models.CharField(max_length=64, db_default="")
    assignee = models.CharField(max_length=150, db_default="")
    cause_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique only where set
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    solution = models.TextField(db_default="")
    requester = models.CharField(
        max_length=150, db_default="", help_text="the person whose wish it is; nobody of an alert"
    )
    service = models.CharField(max_length=64, db_default="", help_text="the slug of a service")
    pending_reason = models.CharField(max_length=16, db_default="", help_text="while it waits")
    reopens = models.IntegerField(db_default=0, help_text="how often it was opened again")
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
                condition=reduce(
                    or_, (Q(ticket_class=name, state__in=tuple(MOVES[name])) for name in MOVES)
                ),
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
            models.Index(F("opened_at").desc(), F("ref").desc(), name="ticket_newest"),
            models.Index("priority", "opened_at", "ref", name="ticket_ranked"),
            models.Index("requester", name="ticket_requester", condition=~Q(requester="")),
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
            models.Index("action_id", name="logline_action", condition=Q(action_id__isnull=False)),
            models.Index(F("at").desc(), name="logline_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} #{self.n}"


class Deed(models.Model):
    """What was done under one idempotency key, written with the effect itself."""

    key = models.UUIDField(primary_key=True, editable=False)
    verb = models.CharField(max_length=16)
    outcome = models.CharField(max_length=16)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="deeds")
    state = models.CharField(max_length=32)
    stimulus = models.CharField(max_length=32, db_default="", help_text="of a move")
    line = models.IntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Never changed, like a worklog line."""

        verbose_name = "deed"
        indexes: ClassVar = [models.Index("stimulus", "at", name="deed_told")]

    def __str__(self) -> str:
        return f"{self.verb} on {self.ticket_id}: {self.outcome}"


class Problem(models.Model):
    """What only a problem has."""

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.PROTECT, related_name="problem"
    )
    known_error = models.BooleanField(
        db_default=False, help_text="its workaround may be used while the cause is still there"
    )
    workaround = models.TextField(db_default="")
    root_cause = models.TextField(db_default="")

    class Meta:
        """A known error has a workaround."""

        verbose_name = "problem"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="problem_known_with_workaround",
                condition=Q(known_error=False) | ~Q(workaround=""),
            )
        ]

    def __str__(self) -> str:
        return f"problem {self.ticket_id}"


class Change(models.Model):
    """What only a change has."""

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.PROTECT, related_name="change"
    )
    change_type = models.CharField(max_length=16, choices=_choices(VARIANTS["change"]))
    reason = models.TextField(db_default="")
    planned_start = models.DateTimeField(null=True)
    planned_end = models.DateTimeField(null=True)
    implementer = models.CharField(max_length=150, db_default="")
    backout = models.TextField(db_default="", help_text="how it is undone")
    outcome = models.CharField(max_length=16, db_default="", choices=_choices(OUTCOMES))
    decided_by = models.CharField(max_length=150, db_default="")
    decision = models.TextField(db_default="")

    class Meta:
        """A change ends after it begins."""

        verbose_name = "change"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="change_type_known", condition=Q(change_type__in=VARIANTS["change"])
            ),
            models.CheckConstraint(
                name="change_outcome_known", condition=Q(outcome__in=("", *OUTCOMES))
            ),
            models.CheckConstraint(
                name="change_window", condition=Q(planned_end__gt=F("planned_start"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change_type} change {self.ticket_id}"


class RequestModel(models.Model):
    """An item of the service catalogue, as the site file declares it."""

    slug = models.CharField(primary_key=True, max_length=64)
    title = models.CharField(max_length=120)
    description = models.TextField(db_default="")
    service = models.CharField(max_length=64, db_default="")
    team = models.CharField(max_length=64, db_default="")
    approver_role = models.CharField(
        max_length=150, db_default="", help_text="a group of people; empty asks for no approval"
    )
    impact = models.SmallIntegerField(choices=SCALE)
    urgency = models.SmallIntegerField(choices=SCALE)
    fields = models.JSONField(help_text="what a requester is asked")
    steps = models.JSONField(help_text="what is done to fulfil it, in this order")
    card = models.CharField(
        max_length=60, db_default="", help_text="whose runs do the steps that name an entry"
    )
    entries = models.JSONField(
        db_default=[], default=list, help_text="of each step the entry that does it, or nothing"
    )
    retired = models.BooleanField(db_default=False)

    class Meta:
        """By title."""

        verbose_name = "request model"
        ordering: ClassVar = ["title", "slug"]

    def __str__(self) -> str:
        return self.title


class Request(models.Model):
    """What only a request has: its item of the catalogue, and the answers."""

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.PROTECT, related_name="request"
    )
    model = models.ForeignKey(RequestModel, on_delete=models.PROTECT, related_name="requests")
    answers = models.JSONField()
    approver_role = models.CharField(max_length=150, db_default="")
    card = models.CharField(max_length=60, db_default="")
    decided_by = models.CharField(max_length=150, db_default="")
    decision = models.TextField(db_default="")

    class Meta:
        """The approver's role is that of the day it was filed."""

        verbose_name = "service request"

    def __str__(self) -> str:
        return f"request {self.ticket_id}"


class RequestStep(models.Model):
    """One step of fulfilling a request."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="steps")
    n = models.SmallIntegerField()
    title = models.CharField(max_length=200)
    entry = models.CharField(
        max_length=60, db_default="", help_text="the entry that does it; a person where empty"
    )
    done_by = models.CharField(max_length=150, db_default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        """Numbered in each request."""

        verbose_name = "step of a request"
        verbose_name_plural = "steps of requests"
        ordering: ClassVar = ["ticket", "n"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="requeststep_numbered", fields=["ticket", "n"])
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.title}"


class Link(models.Model):
    """How one ticket hangs together with another; added, never changed."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="links")
    kind = models.CharField(max_length=16, choices=_choices(LINK_KINDS))
    other = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="linked")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Once, and never with itself."""

        verbose_name = "link between tickets"
        verbose_name_plural = "links between tickets"
        constraints: ClassVar = [
            models.UniqueConstraint(name="link_once", fields=["ticket", "kind", "other"]),
            models.CheckConstraint(name="link_kind", condition=Q(kind__in=LINK_KINDS)),
            models.CheckConstraint(name="link_with_another", condition=~Q(ticket=F("other"))),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind} {self.other_id}"


class Attachment(models.Model):
    """A file kept with a ticket; the worklog's line of the same number says so."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="attachments")
    n = models.IntegerField(help_text="the line of the worklog that says so")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100, help_text="as it was said; nobody has looked")
    sha256 = models.CharField(max_length=64)
    size = models.IntegerField(help_text="bytes")
    content = models.BinaryField()
    by = models.CharField(max_length=150)
    visibility = models.CharField(max_length=16, choices=_choices(VISIBILITIES))
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Never changed, like the line that names it."""

        verbose_name = "attachment"
        constraints: ClassVar = [
            models.UniqueConstraint(name="attachment_numbered", fields=["ticket", "n"]),
            models.CheckConstraint(
                name="attachment_visibility", condition=Q(visibility__in=VISIBILITIES)
            ),
            models.CheckConstraint(name="attachment_not_empty", condition=Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} #{self.n}: {self.name}"


class Watcher(models.Model):
    """Who is told of what happens to a ticket besides those whose work it is."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="watchers")
    person = models.CharField(max_length=150, db_default="", help_text="a login")
    address = models.CharField(max_length=254, db_default="", help_text="an address of mail")
    why = models.CharField(max_length=32, choices=_choices(WATCHES))
    by = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """A login or an address, each once."""

        verbose_name = "watcher"
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="watcher_person_once", fields=["ticket", "person"], condition=~Q(person="")
            ),
            models.UniqueConstraint(
                name="watcher_address_once", fields=["ticket", "address"], condition=~Q(address="")
            ),
            models.CheckConstraint(
                name="watcher_person_or_address",
                condition=Q(person="") ^ Q(address=""),
            ),
            models.CheckConstraint(name="watcher_why", condition=Q(why__in=WATCHES)),
        ]

    def __str__(self) -> str:
        return f"{self.person or self.address} watches {self.ticket_id}"


class Question(models.Model):
    """What an agent asks of people about a ticket, with the words that answer it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="questions")
    n = models.SmallIntegerField(help_text="Q1 is the ticket's first")
    name = models.CharField(max_length=40, help_text="under which the answer becomes a fact")
    text = models.CharField(max_length=1000)
    answers = models.JSONField(help_text="the fixed words, one of which is the answer")
    asked_by = models.CharField(max_length=150)
    action_id = models.UUIDField(unique=True)
    asked_at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=20, db_default="")
    answered_by = models.CharField(max_length=150, db_default="")
    answered_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="nobody needs the answer any more")

    class Meta:
        """Numbered in each ticket; each thing is asked once."""

        verbose_name = "question"
        ordering: ClassVar = ["ticket", "n"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="question_numbered", fields=["ticket", "n"]),
            models.UniqueConstraint(name="question_asked_once", fields=["ticket", "name"]),
            models.CheckConstraint(
                name="question_answered_by_somebody",
                condition=Q(answer="", answered_by="", answered_at=None)
                | ~Q(answer="") & ~Q(answered_by="") & Q(answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} Q{self.n}"


class Major(models.Model):
    """That an incident is a major one: who leads, since when, by which criteria, until when."""

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.PROTECT, related_name="major"
    )
    lead = models.CharField(max_length=150, db_default="", help_text="a person; empty asks for one")
    declared_by = models.CharField(max_length=150)
    declared_at = models.DateTimeField(db_default=Now())
    criteria = models.JSONField(help_text="why it is one, each in a line")
    update_minutes = models.SmallIntegerField(help_text="people are told anew so often")
    ended_by = models.CharField(max_length=150, db_default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first."""

        verbose_name = "major incident"
        ordering: ClassVar = ["-declared_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="major_update_minutes", condition=Q(update_minutes__range=(5, 1440))
            ),
        ]

    def __str__(self) -> str:
        return f"major incident {self.ticket_id}"
