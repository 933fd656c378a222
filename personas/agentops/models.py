"""Rows of agent operations: what each run was, who asked for it, what detectors found.

Written by functions of the schema `agentops` alone; that an event was sent is the one exception.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp, RandomUuid
from personas.agentops.kinds import FINDINGS, LEVELS

TENANT = "default"
"""Of whom every record is: there is one, and every record says so all the same."""


class AgentEvent(models.Model):
    """One ended run; written by a trigger in the transaction that ends it."""

    event_id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    intent = models.ForeignKey("personas.AgentIntent", on_delete=models.PROTECT, related_name="+")
    session = models.OneToOneField("personas.Run", on_delete=models.PROTECT, related_name="event")
    agent_role = models.CharField(max_length=60)
    job_id = models.CharField(max_length=40, help_text="the ticket it worked on")
    state = models.CharField(max_length=12)
    tool_calls = models.JSONField(help_text="tool, input, output, duration_ms: bounded and masked")
    tool_call_count = models.IntegerField(help_text="all of them, also those that are not listed")
    questions = models.IntegerField(db_default=0, help_text="asked of models")
    looks = models.IntegerField(db_default=0, help_text="how often a worker looked for it")
    tokens_in = models.BigIntegerField()
    tokens_out = models.BigIntegerField()
    exit_code = models.SmallIntegerField()
    limit_hit = models.CharField(max_length=40, db_default="")
    retry_count = models.IntegerField()
    checkpoint_count = models.IntegerField()
    duration_ms = models.BigIntegerField()
    tenant_id = models.CharField(max_length=60)
    ended_at = models.DateTimeField()
    revision = models.IntegerField(db_default=1, help_text="higher where something was taken away")
    stream_id = models.CharField(max_length=40, db_default="")
    published_at = models.DateTimeField(null=True)

    class Meta:
        """Read by card and by time; what is not sent yet has an index of its own."""

        verbose_name = "agent event"
        ordering: ClassVar = ["-ended_at"]
        indexes: ClassVar = [
            models.Index("agent_role", F("ended_at").desc(), name="agentevent_role"),
            models.Index(F("ended_at").desc(), name="agentevent_recent"),
            models.Index("ended_at", name="agentevent_unsent", condition=Q(published_at=None)),
        ]

    def __str__(self) -> str:
        """Name the run."""
        return f"{self.agent_role} for {self.job_id}: {self.state}"


class Request(models.Model):
    """Who asked for a run over the API, and in which words; these are nobody's instructions."""

    intent = models.OneToOneField(
        "personas.AgentIntent", primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    principal = models.CharField(max_length=160)
    idempotency_key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    prompt = models.TextField(help_text="text from outside")
    max_duration_s = models.IntegerField()
    tenant_id = models.CharField(max_length=60)
    queue_position = models.IntegerField()
    estimated_start_s = models.IntegerField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """A key is used once per principal."""

        verbose_name = "request for a run"
        verbose_name_plural = "requests for runs"
        constraints: ClassVar = [
            models.UniqueConstraint(name="request_once", fields=["principal", "idempotency_key"])
        ]

    def __str__(self) -> str:
        """Name who asked."""
        return f"by {self.principal}"


class Finding(models.Model):
    """Something that a detector found, and what was done about it."""

    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in FINDINGS])
    run = models.ForeignKey(
        "personas.Run", null=True, on_delete=models.PROTECT, related_name="findings"
    )
    ticket_ref = models.CharField(max_length=40, db_default="")
    card = models.CharField(max_length=60, db_default="")
    said = models.TextField(help_text="what was found and what was done, in a sentence")
    facts = models.JSONField()
    told_at = models.DateTimeField(null=True, help_text="when the ticket was told")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """A run is found once for each thing."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                name="finding_once_per_run", fields=["kind", "run"], condition=Q(run__isnull=False)
            )
        ]
        indexes: ClassVar = [
            models.Index("kind", F("at").desc(), name="finding_recent"),
            models.Index("at", name="finding_untold", condition=Q(told_at=None)),
        ]

    def __str__(self) -> str:
        """Name what was found."""
        return f"{self.kind}: {self.said}"


class Throttle(models.Model):
    """How far admission is closed just now: one row."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    level = models.CharField(
        max_length=10, db_default="open", choices=[(level, level) for level in LEVELS]
    )
    lowest_priority = models.SmallIntegerField(db_default=4, help_text="what is still let in")
    retry_after_s = models.IntegerField(db_default=0)
    depth = models.IntegerField(db_default=0, help_text="runs that wait")
    predicted = models.IntegerField(db_default=0, help_text="that will wait in a minute")
    said = models.TextField(db_default="")
    at = models.DateTimeField(db_default=ClockTimestamp(), help_text="since when")
    seen_at = models.DateTimeField(db_default=ClockTimestamp(), help_text="when last looked")

    class Meta:
        """Exactly one row."""

        constraints: ClassVar = [models.CheckConstraint(name="throttle_single", condition=Q(id=1))]

    def __str__(self) -> str:
        """Tell how far it is closed."""
        return self.level
