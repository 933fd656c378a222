"""Rows of the inference queue: slots, cards, jobs, the timeline, and keys of the proxy's clients.

Jobs are durable work (`audit.Work`) with one more row each; at run time both are written by the
functions of schema `gpu` alone (`gpu/rows.py`), slots and cards by the owner (`gpu/loading.py`).
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp
from gpu.states import DOINGS, ENDINGS, JOB_KINDS, PIECE_KINDS
from gpu.tiers import Tier

TIERS = [(str(tier), str(tier)) for tier in Tier]


class Slot(models.Model):
    """A model with its one set of runner options: the key by which the card is swapped."""

    name = models.CharField(primary_key=True, max_length=20)
    model = models.CharField(max_length=200, help_text="the name by which Ollama knows it")
    kind = models.CharField(max_length=8, choices=[("chat", "chat"), ("embed", "embed")])
    options = models.JSONField(help_text="runner options; no request may bring others")
    context = models.IntegerField(help_text="tokens that prompt and answer share")
    vram_mb = models.IntegerField()
    load_s = models.FloatField(help_text="as declared; what was measured goes first")
    tokens_per_s = models.FloatField()
    prefill_per_s = models.FloatField()
    measured_load_s = models.FloatField(null=True)
    measured_tokens_per_s = models.FloatField(null=True)
    measured_prefill_per_s = models.FloatField(null=True)
    mean_tokens_out = models.FloatField(null=True, help_text="of finished answers")
    tiers = models.JSONField(help_text="tiers that may use it")
    continues = models.CharField(max_length=10, db_default="", help_text="assistant, raw or not")
    digest = models.CharField(max_length=80, db_default="", help_text="the model it is pinned to")
    enabled = models.BooleanField(db_default=True)
    fault = models.TextField(db_default="", help_text="why nothing of it runs just now")

    def __str__(self) -> str:
        """Name the slot."""
        return self.name


class Card(models.Model):
    """One GPU behind one server, served by the one worker that holds its lease.

    A server of OpenAI's API holds its own models: nothing is loaded, put out or pinned there.
    """

    name = models.CharField(primary_key=True, max_length=20)
    url = models.CharField(max_length=200)
    serves = models.JSONField(
        default=dict,
        db_default={},
        help_text="slot and its model at a server of OpenAI's API; none: an Ollama",
    )
    key_file = models.CharField(max_length=400, default="", db_default="", help_text="with its key")
    vram_mb = models.IntegerField()
    reserve_mb = models.IntegerField()
    single = models.BooleanField(db_default=False, help_text="one model at a time")
    position = models.IntegerField(db_default=0)
    enabled = models.BooleanField(db_default=True)
    holder = models.CharField(max_length=200, db_default="")
    fence = models.BigIntegerField(db_default=0)
    lease_until = models.DateTimeField(null=True)
    resident = models.JSONField(db_default=[], help_text="slots, least recently used first")
    policy = models.JSONField(
        db_default={}, help_text="visits and linger, as the policy keeps them"
    )
    doing = models.CharField(max_length=8, db_default="idle", choices=[(d, d) for d in DOINGS])
    doing_tier = models.CharField(max_length=10, db_default="")
    doing_slot = models.CharField(max_length=20, db_default="")
    doing_job = models.UUIDField(null=True)
    doing_since = models.DateTimeField(null=True)
    free_at = models.DateTimeField(null=True, help_text="a guess from measured speeds")
    strangers_mb = models.IntegerField(null=True, help_text="VRAM of processes that are not ours")
    fault = models.TextField(db_default="")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        """In the order of the file."""

        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        """Name the card."""
        return self.name


class Client(models.Model):
    """A key of the proxy: whose requests go into which tier, and how many may wait."""

    name = models.CharField(primary_key=True, max_length=60)
    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key")
    tier = models.CharField(max_length=10, choices=TIERS)
    slots = models.JSONField(db_default=[], help_text="allowed slots; none means all of the tier")
    max_waiting = models.IntegerField(db_default=16)
    enabled = models.BooleanField(db_default=True)
    made_at = models.DateTimeField(db_default=ClockTimestamp())
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        """Known to people as keys."""

        verbose_name = "GPU key"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        """Name the client."""
        return self.name


class Job(models.Model):
    """One request for the card; its state is that of its work."""

    id = models.OneToOneField(
        "audit.Work", primary_key=True, on_delete=models.DO_NOTHING, db_column="id",
        related_name="+",
    )  # fmt: skip
    tier = models.CharField(max_length=10, choices=TIERS)
    slot = models.CharField(max_length=20)
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in JOB_KINDS])
    principal = models.CharField(max_length=120, help_text="run:ID, key:NAME, person:NAME, system")
    client = models.CharField(max_length=60, db_default="")
    ticket_ref = models.CharField(max_length=40, db_default="")
    run = models.UUIDField(null=True)
    step = models.IntegerField(null=True)
    label = models.CharField(max_length=60, db_default="")
    request = models.JSONField()
    streams = models.BooleanField(db_default=False)
    bound = models.BooleanField(db_default=False, help_text="bound to a schema: never continued")
    more = models.BooleanField(db_default=False, help_text="its run will ask again")
    tokens_asked = models.IntegerField(db_default=0, help_text="prompt, estimated before it ran")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    deadline_at = models.DateTimeField()
    wakes = models.UUIDField(null=True, help_text="work that waits for this answer")
    partial = models.JSONField(db_default={}, help_text="what was said before a preemption")
    tokens_done = models.IntegerField(db_default=0)
    answer = models.JSONField(null=True)
    error_code = models.CharField(max_length=60, db_default="")
    cancel_asked = models.BooleanField(db_default=False)
    card = models.CharField(max_length=20, db_default="")
    started_at = models.DateTimeField(null=True, help_text="when the card first began with it")
    finished_at = models.DateTimeField(null=True)
    wait_s = models.FloatField(null=True)
    load_s = models.FloatField(db_default=0.0)
    latency_s = models.FloatField(null=True)
    busy_s = models.FloatField(db_default=0.0, help_text="seconds of the card")
    preemptions = models.IntegerField(db_default=0)
    swapped = models.BooleanField(db_default=False, help_text="its model had to be loaded")
    model_digest = models.CharField(max_length=80, db_default="")
    tokens_in = models.IntegerField(null=True)
    tokens_out = models.IntegerField(null=True)
    quoted_start = models.DateTimeField(null=True)
    quoted_end = models.DateTimeField(null=True)

    class Meta:
        """Looked up by run, by client and by time."""

        verbose_name = "GPU job"
        indexes: ClassVar = [
            models.Index("run", "step", name="job_run", condition=Q(run__isnull=False)),
            models.Index("client", name="job_client", condition=Q(finished_at=None)),
            models.Index("wakes", name="job_wakes", condition=Q(wakes__isnull=False)),
            models.Index(F("finished_at").desc(), name="job_finished"),
        ]

    def __str__(self) -> str:
        """Name the job."""
        return f"{self.tier}.{self.slot} {self.kind} {self.pk}"


class Piece(models.Model):
    """One piece of a card's time: a load, a stretch of work, foreign work, a fault."""

    card = models.CharField(max_length=20)
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in PIECE_KINDS])
    tier = models.CharField(max_length=10, db_default="")
    slot = models.CharField(max_length=20)
    job = models.UUIDField(null=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    ending = models.CharField(max_length=10, db_default="", choices=[(e, e) for e in ENDINGS])
    tokens = models.IntegerField(db_default=0)

    class Meta:
        """Read by time."""

        verbose_name = "piece of a card's time"
        indexes: ClassVar = [models.Index(F("began_at").desc(), name="piece_recent")]

    def __str__(self) -> str:
        """Name the piece."""
        return f"{self.card} {self.kind} {self.slot}"
