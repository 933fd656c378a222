"""Rows of the agents: cards and grants, intents, runs, steps, actions, the stop.

Nobody writes these through the ORM at run time: the gate's functions do (`personas/gate.py`),
and the owner loads cards and catalogue (`personas/loading.py`).
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp, RandomUuid
from personas.states import LEVELS, LIVE, OUTCOMES, RUN_STATES, VERDICTS


class Card(models.Model):
    """A persona: its job, limits and the digest of what was loaded."""

    name = models.CharField(primary_key=True, max_length=60)
    title = models.CharField(max_length=120)
    purpose = models.TextField()
    team = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the card's file")
    limits = models.JSONField(help_text="max_steps, max_actions, max_duration_s")
    document = models.JSONField()
    enabled = models.BooleanField(db_default=True)
    loaded_at = models.DateTimeField(db_default=ClockTimestamp())

    def __str__(self) -> str:
        """Name the card."""
        return self.name


class Grant(models.Model):
    """What a card may ask for: a verb, and for playbooks the entry and the class of CI."""

    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="grants")
    verb = models.CharField(max_length=40)
    entry = models.CharField(max_length=60, db_default="")
    ci_class = models.CharField(max_length=60, db_default="")

    class Meta:
        """One row per right."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="grant_once", fields=["card", "verb", "entry", "ci_class"])
        ]

    def __str__(self) -> str:
        """Name the right."""
        return f"{self.card_id}: {self.verb} {self.entry} {self.ci_class}".strip()


class CatalogueEntry(models.Model):
    """A pre-approved playbook, pinned by the hash of its tree."""

    name = models.CharField(primary_key=True, max_length=60)
    title = models.CharField(max_length=120)
    risk = models.CharField(max_length=20)
    tree_hash = models.CharField(max_length=64, help_text="hash of the files as they lie here")
    approved_hash = models.CharField(max_length=64, help_text="hash that was approved")
    parameters = models.JSONField()
    timeout_s = models.IntegerField()
    max_per_ticket = models.IntegerField()
    max_per_hour = models.IntegerField()
    document = models.JSONField()
    enabled = models.BooleanField(db_default=True)
    loaded_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Shown as the catalogue."""

        verbose_name = "catalogue entry"
        verbose_name_plural = "catalogue"

    def __str__(self) -> str:
        """Name the entry."""
        return self.name


class Autonomy(models.Model):
    """How far a card may go with one entry on one class of CI; no row means observe."""

    card = models.ForeignKey(Card, on_delete=models.CASCADE)
    entry = models.CharField(max_length=60)
    ci_class = models.CharField(max_length=60)
    level = models.CharField(max_length=10, choices=[(v, v) for v in LEVELS])
    set_by = models.CharField(max_length=150)
    why = models.TextField()
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One level per triple."""

        verbose_name = "autonomy level"
        constraints: ClassVar = [
            models.UniqueConstraint(name="autonomy_once", fields=["card", "entry", "ci_class"]),
            models.CheckConstraint(name="autonomy_level", condition=Q(level__in=list(LEVELS))),
        ]

    def __str__(self) -> str:
        """Name the triple and its level."""
        return f"{self.card_id} x {self.entry} x {self.ci_class}: {self.level}"


class AgentIntent(models.Model):
    """A request for a run: which card, for which ticket, within which bounds."""

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    ticket_ref = models.CharField(max_length=40)
    priority = models.SmallIntegerField(help_text="0 critical .. 4 backlog")
    scope = models.JSONField(help_text="refs of the CIs a run may touch, fixed by the dispatcher")
    joined = models.CharField(max_length=12, help_text="joined, none or ambiguous")
    inputs = models.JSONField(help_text="facts the dispatcher passes on")
    dedup = models.CharField(max_length=200, unique=True)
    environment = models.CharField(max_length=60, db_default="operations")
    requested_by = models.CharField(max_length=150, db_default="")
    job = models.CharField(max_length=100, db_default="", help_text="a job elsewhere, if any")
    tenant = models.CharField(max_length=60, db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    due_at = models.DateTimeField(null=True, help_text="when its ticket is, if that is promised")

    class Meta:
        """Shown as intents."""

        verbose_name = "intent"

    def __str__(self) -> str:
        """Name the request."""
        return f"{self.card_id} for {self.ticket_ref}"


class Run(models.Model):
    """One ephemeral agent: rows, not a process."""

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    intent = models.ForeignKey(AgentIntent, on_delete=models.PROTECT)
    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    ticket_ref = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=[(v, v) for v in RUN_STATES])
    token_hash = models.BinaryField(null=True, help_text="of the token of the current step")
    steps = models.IntegerField(db_default=0)
    max_steps = models.IntegerField()
    actions = models.IntegerField(db_default=0)
    max_actions = models.IntegerField()
    max_duration_s = models.IntegerField(db_default=3600, help_text="counted from its start")
    deadline = models.DateTimeField()
    resume_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True, help_text="when it first had a place")
    starts = models.IntegerField(db_default=0, help_text="how often it was given a place")
    held_at = models.DateTimeField(null=True, help_text="since when its clock stands still")
    retries = models.IntegerField(db_default=0)
    dead_letter = models.BooleanField(db_default=False, help_text="its retries are used up")
    why = models.TextField(db_default="", help_text="why it is in this state, if that was said")
    told_by = models.CharField(
        max_length=150, db_default="", help_text="the person who put it there"
    )
    checkpoint = models.JSONField(db_default={})
    summary = models.TextField(db_default="")
    limit_hit = models.CharField(max_length=40, db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """At most one live run per ticket."""

        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="run_one_live_per_ticket",
                fields=["ticket_ref"],
                condition=Q(state__in=list(LIVE)),
            ),
            models.CheckConstraint(name="run_state_known", condition=Q(state__in=list(RUN_STATES))),
        ]
        indexes: ClassVar = [
            models.Index("ticket_ref", "created_at", name="run_ticket"),
            models.Index(F("created_at").desc(), name="run_newest"),
        ]

    def __str__(self) -> str:
        """Name the run by its first digits and card."""
        return f"{str(self.id)[:4]} {self.card_id}"


class Transition(models.Model):
    """One move of a run from state to state; nobody changes these."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=12, help_text="empty at its birth")
    state = models.CharField(max_length=12)
    step = models.IntegerField(help_text="how many steps it had taken")
    why = models.TextField(db_default="")
    told_by = models.CharField(max_length=150, db_default="")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """In the order in which they happened."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        """Name the move."""
        return f"{self.from_state or 'birth'} to {self.state}"


class Environment(models.Model):
    """Where runs are at work: how many at once, and how many may wait for a place."""

    name = models.CharField(primary_key=True, max_length=60)
    max_concurrent = models.IntegerField(db_default=4)
    max_queued = models.IntegerField(db_default=100)
    declared = models.BooleanField(db_default=False, help_text="by the site file")
    cis = models.JSONField(db_default=[], default=list, help_text="refs of CIs that are its own")
    classes = models.JSONField(db_default=[], default=list, help_text="classes of such CIs")

    class Meta:
        """Both are bounds."""

        constraints: ClassVar = [
            models.CheckConstraint(
                name="environment_bounds",
                condition=Q(max_concurrent__range=(0, 1000), max_queued__range=(0, 100_000)),
            )
        ]

    def __str__(self) -> str:
        """Name it."""
        return self.name


class IsolatedCard(models.Model):
    """A card of which no new runs are born until a named person says so."""

    card = models.OneToOneField(Card, primary_key=True, on_delete=models.PROTECT)
    by = models.CharField(max_length=150)
    why = models.TextField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Shown as isolated cards."""

        verbose_name = "isolated card"

    def __str__(self) -> str:
        """Name the card."""
        return self.card_id


class Step(models.Model):
    """One question, one answer, one checkpoint."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="step_rows")
    number = models.IntegerField()
    question = models.JSONField()
    answer = models.JSONField()
    checkpoint = models.JSONField()
    next = models.CharField(max_length=12)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """A step is taken once."""

        ordering: ClassVar = ["run", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="step_once", fields=["run", "number"])
        ]

    def __str__(self) -> str:
        """Name the step."""
        return f"step {self.number}"


class Incarnation(models.Model):
    """One worker process taking one step of a run: who signs what it asks, as long as it lives."""

    id = models.UUIDField(primary_key=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="incarnations")
    step = models.IntegerField()
    work = models.ForeignKey("audit.Work", on_delete=models.PROTECT, related_name="+")
    public_key = models.BinaryField(help_text="Ed25519; the private half never leaves the worker")
    signed = models.IntegerField(db_default=0, help_text="how many statements it has signed")
    last = models.BinaryField(db_default=b"\x00" * 32, help_text="hash of its last statement")
    holder = models.CharField(max_length=200)
    born_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=20, db_default="")

    class Meta:
        """At most one lives per run."""

        ordering: ClassVar = ["born_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="incarnation_one_per_run", fields=["run"], condition=Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        """Name it by its first digits."""
        return f"{str(self.id)[:4]} of run {str(self.run_id)[:4]}"


class Action(models.Model):
    """What was asked for, what the gate decided, and what came of it.

    `id` is also the id of the work row where the gate authorised it: the idempotency key.
    """

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="action_rows")
    step_number = models.IntegerField(db_default=0)
    key = models.CharField(max_length=60)
    principal = models.CharField(max_length=120, help_text="run:<id>, rule:<name>, person:<name>")
    ticket_ref = models.CharField(max_length=40, db_default="")
    verb = models.CharField(max_length=40)
    entry = models.CharField(max_length=60, db_default="")
    target = models.CharField(max_length=200, db_default="")
    args = models.JSONField(db_default={})
    level = models.CharField(max_length=10, db_default="")
    verdict = models.CharField(max_length=12, choices=[(v, v) for v in VERDICTS])
    guard = models.CharField(max_length=30, db_default="", help_text="the guard that decided")
    reason = models.TextField(db_default="")
    tree_hash = models.CharField(max_length=64, db_default="")
    risk = models.CharField(max_length=20, db_default="")
    incarnation = models.ForeignKey(Incarnation, null=True, on_delete=models.PROTECT)
    statement = models.TextField(db_default="", help_text="what the incarnation signed")
    signature = models.CharField(max_length=128, db_default="")
    salt = models.BinaryField(null=True, help_text="of the commitment in the statement")
    asked_digest = models.CharField(
        max_length=64, db_default="", help_text="commitment to the arguments as asked"
    )
    args_digest = models.CharField(
        max_length=64, db_default="", help_text="commitment to the arguments as authorised"
    )
    said_digest = models.CharField(max_length=64, db_default="")
    deadline = models.DateTimeField(null=True, help_text="after this somebody has to look")
    abandoned_at = models.DateTimeField(null=True)
    work = models.OneToOneField("audit.Work", null=True, on_delete=models.PROTECT)
    outcome = models.CharField(
        max_length=12, db_default="", choices=[("", "open"), *((v, v) for v in OUTCOMES)]
    )
    result = models.JSONField(db_default={})
    decided_at = models.DateTimeField(db_default=ClockTimestamp())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """A proposal repeated by another worker finds its first verdict."""

        ordering: ClassVar = ["decided_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="action_once",
                fields=["run", "step_number", "key"],
                condition=Q(run__isnull=False),
            ),
            models.UniqueConstraint(
                name="action_rule_once",
                fields=["principal", "key"],
                condition=Q(run__isnull=True),
            ),
            models.CheckConstraint(
                name="action_work_if_authorised",
                condition=Q(verdict="authorised", work__isnull=False)
                | (~Q(verdict="authorised") & Q(work__isnull=True)),
            ),
        ]
        indexes: ClassVar = [
            models.Index("ticket_ref", "decided_at", name="action_ticket"),
            models.Index(F("decided_at").desc(), name="action_newest"),
            models.Index(
                "entry",
                F("decided_at").desc(),
                name="action_used",
                condition=Q(verdict="authorised") & ~Q(entry=""),
            ),
            models.Index(
                "deadline",
                name="action_open",
                condition=Q(verdict="authorised", outcome="", abandoned_at=None),
            ),
            models.Index(
                "target",
                name="action_open_change",
                condition=Q(
                    verb__in=["playbook.run", "command.run"], verdict="authorised", outcome=""
                ),
            ),
        ]

    def __str__(self) -> str:
        """Name the action."""
        return f"{self.verb} {self.entry} {self.target}".strip()


class Stop(models.Model):
    """The stop: one row; while it is pressed nothing new is claimed."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    stopped = models.BooleanField(db_default=False)
    by = models.CharField(max_length=150, db_default="")
    why = models.TextField(db_default="")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Exactly one row."""

        constraints: ClassVar = [models.CheckConstraint(name="stop_single", condition=Q(id=1))]

    def __str__(self) -> str:
        """Tell whether it is pressed."""
        return "stopped" if self.stopped else "running"


class Presence(models.Model):
    """Who and what was on a host when something was to be done there, and who was asked."""

    host = models.CharField(primary_key=True, max_length=64)
    found = models.JSONField(help_text="as `person NAME`, `process TEXT`, `unit NAME`, `gpu JOB`")
    asked = models.CharField(max_length=150, help_text="who is asked first")
    ticket_ref = models.CharField(max_length=40, db_default="")
    action = models.UUIDField(help_text="what was not done")
    seen_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One row per host: the newest look that found somebody."""

        verbose_name = "presence on a host"
        verbose_name_plural = "presence on hosts"
        ordering: ClassVar = ["-seen_at"]

    def __str__(self) -> str:
        """Name the host and what was found."""
        return f"{self.host}: {', '.join(map(str, self.found))}"
