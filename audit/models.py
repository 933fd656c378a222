"""Rows of the record: work, what waits to be written down, entries, the head, heartbeats."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from audit.fields import CisOf, ClockTimestamp, LsnField, PersonaOf, RandomUuid, RunOf
from audit.witness_states import WITNESS_STATES
from audit.work.states import WorkKind, WorkState


class Work(models.Model):
    """One piece of durable work, whatever its kind; Redis only tells that it is there."""

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    kind = models.CharField(max_length=16, choices=[(k, k) for k in WorkKind])
    queue = models.CharField(max_length=32, help_text="name of the Celery queue that is woken")
    state = models.CharField(max_length=16, choices=[(s, s) for s in WorkState])
    subject = models.CharField(max_length=200, db_default="")
    priority = models.SmallIntegerField(db_default=5, help_text="0 goes first")
    payload = models.JSONField(db_default={})
    dedup = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique only where set
    not_before = models.DateTimeField(db_default=ClockTimestamp())
    expires_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    max_attempts = models.IntegerField(db_default=3)
    fence = models.BigIntegerField(db_default=0)
    lease_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=200, db_default="")
    entry_seq = models.BigIntegerField(null=True)
    entry_lsn = LsnField(null=True)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    claimed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True, help_text="when a person was told of its death")
    error = models.TextField(db_default="")

    class Meta:
        """One claim index, one index per sweep of the reconciler."""

        verbose_name = "work item"
        verbose_name_plural = "work"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="work_kind_known", condition=Q(kind__in=[str(k) for k in WorkKind])
            ),
            models.CheckConstraint(
                name="work_state_known", condition=Q(state__in=[str(s) for s in WorkState])
            ),
            models.CheckConstraint(
                name="work_leased_has_lease",
                condition=Q(state="leased", lease_until__isnull=False)
                | (~Q(state="leased") & Q(lease_until__isnull=True)),
            ),
            models.UniqueConstraint(
                name="work_dedup", fields=["kind", "dedup"], condition=Q(dedup__isnull=False)
            ),
            models.UniqueConstraint(
                name="work_one_play_per_target",
                fields=["subject"],
                condition=Q(
                    kind="effect", queue="executor.plays", state__in=["leased", "in_doubt"]
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "queue", "priority", "created_at", name="work_claim", condition=Q(state="ready")
            ),
            models.Index("lease_until", name="work_leased", condition=Q(state="leased")),
            models.Index("created_at", name="work_waiting", condition=Q(state="waiting")),
            models.Index("not_before", name="work_in_doubt", condition=Q(state="in_doubt")),
            models.Index("subject", F("created_at").desc(), name="work_subject"),
            models.Index(
                "id", name="work_unstamped", condition=Q(entry_seq__isnull=False, entry_lsn=None)
            ),
            models.Index(
                "expires_at", name="work_expiry", condition=Q(state__in=["waiting", "ready"])
            ),
            models.Index(
                "created_at", name="work_unclaimed", condition=Q(state__in=["ready", "in_doubt"])
            ),
            models.Index("id", name="work_unreported", condition=Q(state="dead", reported_at=None)),
        ]

    def __str__(self) -> str:
        """Name the work."""
        return f"{self.kind} {self.subject} ({self.state})"


class Pending(models.Model):
    """A fact that must be written down and is not yet in the ledger."""

    n = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    ticket_ref = models.CharField(max_length=40, db_default="")
    work = models.ForeignKey(Work, null=True, on_delete=models.DO_NOTHING, related_name="+")
    body = models.JSONField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Read in order of `n` only."""

        verbose_name = "fact to record"
        verbose_name_plural = "facts to record"

    def __str__(self) -> str:
        """Name the fact."""
        return f"{self.kind} {self.subject}"


class Entry(models.Model):
    """One entry of the ledger; `body` is the truth, the other columns are projections of it."""

    seq = models.BigIntegerField(primary_key=True)
    prev = models.BinaryField()
    hash = models.BinaryField()
    body = models.BinaryField()
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    ticket_ref = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        """Append-only: triggers refuse everything else. What it names is read from its bytes."""

        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"
        ordering: ClassVar = ["-seq"]
        indexes: ClassVar = [
            models.Index("subject", name="entry_subject"),
            models.Index("ticket_ref", "seq", name="entry_ticket"),
            models.Index("kind", "seq", name="entry_kind"),
            models.Index("at", name="entry_at"),
            models.Index(PersonaOf("body"), "seq", name="entry_persona"),
            models.Index(RunOf("body"), "seq", name="entry_run"),
            # Without a pending list: an append must not pay for what others left in it.
            GinIndex(CisOf("body"), name="entry_cis"),
        ]

    def __str__(self) -> str:
        """Name the entry by its number."""
        return f"#{self.seq} {self.kind}"

    @property
    def pruned(self) -> bool:
        """True where only the hash of its leaf is left, in the place of its bytes."""
        return self.kind == "pruned"


class Unstamped(models.Model):
    """A batch of entries until the next transaction stamps their work: a row of milliseconds."""

    seq = models.BigIntegerField(primary_key=True)
    works = ArrayField(models.UUIDField(null=True), help_text="of its entries, in their order")

    def __str__(self) -> str:
        """Name its last entry."""
        return f"to #{self.seq}"


class Looking(models.Model):
    """Until when the recorder looks by itself what waits, so that nobody needs to call it."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    until = models.DateTimeField()

    def __str__(self) -> str:
        """Say how long."""
        return f"until {self.until}"


class Head(models.Model):
    """The end of the chain: one row, reachable by the recorder's functions alone."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    origin = models.UUIDField(db_default=RandomUuid(), help_text="which deployment this log is of")
    seq = models.BigIntegerField(db_default=0)
    hash = models.BinaryField(db_default=b"\x00" * 32)

    class Meta:
        """Exactly one row."""

        constraints: ClassVar = [models.CheckConstraint(name="head_single", condition=Q(id=1))]

    def __str__(self) -> str:
        """Name the head by its number."""
        return f"head #{self.seq}"


class Check(models.Model):
    """One verification of the chain: how far it went, and what it found."""

    at = models.DateTimeField(db_default=ClockTimestamp())
    since = models.BigIntegerField(help_text="entry after which it began; 0 means all of them")
    to_seq = models.BigIntegerField()
    whole = models.BooleanField()
    hash = models.BinaryField(null=True, help_text="of entry `to_seq`, as it was found")
    size = models.BigIntegerField(db_default=0, help_text="of the newest tree head there was")
    findings = models.JSONField(help_text="the first few, in words")
    took_us = models.BigIntegerField()

    class Meta:
        """Newest first."""

        verbose_name = "check of the ledger"
        verbose_name_plural = "checks of the ledger"
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [
            models.Index(F("at").desc(), name="check_recent"),
            models.Index(F("at").desc(), name="check_broken", condition=Q(whole=False)),
            models.Index(F("at").desc(), name="check_whole", condition=Q(whole=True, since=0)),
        ]

    def __str__(self) -> str:
        """Say what it found."""
        return f"{'whole' if self.whole else 'broken'} to #{self.to_seq}"


class Heartbeat(models.Model):
    """When a process last said that it lives."""

    name = models.CharField(primary_key=True, max_length=80)
    at = models.DateTimeField()

    def __str__(self) -> str:
        """Name the process."""
        return self.name


class Witnessing(models.Model):
    """Who runs this log, and how many others must have signed before risky effects begin."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    administrator = models.CharField(max_length=200, db_default="")
    quorum = models.SmallIntegerField(
        db_default=0, help_text="independent administrators; 0 lets risky effects begin without"
    )
    anchors = models.JSONField(
        db_default={}, help_text="further places that keep the digest of a tree head"
    )
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Exactly one row; the owner writes it, from ledger.yaml."""

        constraints: ClassVar = [
            models.CheckConstraint(name="witnessing_single", condition=Q(id=1)),
            models.CheckConstraint(name="witnessing_quorum", condition=Q(quorum__gte=0)),
        ]

    def __str__(self) -> str:
        """Say what is asked for."""
        return f"quorum {self.quorum}"


class Witness(models.Model):
    """One who signs our tree heads elsewhere, as ledger.yaml declares, and how it stands."""

    name = models.CharField(primary_key=True, max_length=200)
    vkey = models.TextField()
    url = models.TextField()
    administrator = models.CharField(max_length=200)
    enabled = models.BooleanField(db_default=True)
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in WITNESS_STATES], db_default="new"
    )
    said = models.TextField(db_default="", help_text="what is wrong, in words")
    size = models.BigIntegerField(db_default=0, help_text="largest tree head that it signed")
    asked_at = models.DateTimeField(null=True)
    signed_at = models.DateTimeField(null=True)

    class Meta:
        """Its state is what the process `witnessing` last met."""

        verbose_name_plural = "witnesses"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="witness_state_known", condition=Q(state__in=list(WITNESS_STATES))
            )
        ]

    def __str__(self) -> str:
        """Name the witness."""
        return self.name


class Cosignature(models.Model):
    """What a witness signed: the line that goes below the tree head of this size."""

    size = models.BigIntegerField()
    witness = models.CharField(max_length=200)
    administrator = models.CharField(max_length=200)
    line = models.TextField()
    at = models.DateTimeField(help_text="the time inside the signature")

    class Meta:
        """One per witness and size; append-only."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="cosignature_once", fields=["size", "witness"])
        ]

    def __str__(self) -> str:
        """Name witness and size."""
        return f"{self.witness} at {self.size}"


class Anchor(models.Model):
    """A receipt of another place that holds the digest of a tree head."""

    size = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    receipt = models.BinaryField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Newest first; append-only."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index("kind", F("size").desc(), name="anchor_newest")]

    def __str__(self) -> str:
        """Name place and size."""
        return f"{self.kind} at {self.size}"


class Tile(models.Model):
    """Up to 256 hashes of the Merkle tree, side by side: a tile as C2SP tlog-tiles cuts them."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        """A tile only grows: a trigger refuses everything else."""

        verbose_name = "tile of the tree"
        verbose_name_plural = "tiles of the tree"

    def __str__(self) -> str:
        """Name its place."""
        return f"tile {self.level}/{self.index}"


class TreeHead(models.Model):
    """What the log has signed of itself at one size, once and for ever."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField(help_text="the signed tree head, without lines of witnesses")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Append-only: triggers refuse everything else."""

        verbose_name = "tree head"
        verbose_name_plural = "tree heads"
        ordering: ClassVar = ["-size"]

    def __str__(self) -> str:
        """Name its size."""
        return f"tree head of {self.size}"


class LogKey(models.Model):
    """A public key of the log, and from which size on it signs."""

    n = models.BigAutoField(primary_key=True)
    vkey = models.TextField(unique=True)
    from_size = models.BigIntegerField(help_text="of the first tree head that it may sign")
    statement = models.TextField(help_text="a note of the key before; empty for the first")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Oldest first; append-only: triggers refuse everything else."""

        verbose_name = "key of the log"
        verbose_name_plural = "keys of the log"
        ordering: ClassVar = ["n"]

    def __str__(self) -> str:
        """Name the key."""
        return self.vkey


class Signing(models.Model):
    """How the process stands that signs tree heads: it follows, or says why it does not."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    state = models.CharField(max_length=12, choices=[(s, s) for s in ("following", "refused")])
    code = models.CharField(max_length=40, db_default="")
    detail = models.TextField(db_default="")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """At most one row, from the first start of that process on."""

        verbose_name = "state of signing"
        verbose_name_plural = "state of signing"
        constraints: ClassVar = [models.CheckConstraint(name="signing_single", condition=Q(id=1))]

    def __str__(self) -> str:
        """Say the state."""
        return self.state


class Value(models.Model):
    """Something an entry only commits to, so that it can be taken away and the proof stays.

    `digest` is SHA-256(0x02 || salt || value); the entry holds it under `values`.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    salt = models.BinaryField(null=True)
    value = models.TextField(null=True)  # noqa: DJ001 - null says that it was taken away
    about = models.CharField(max_length=200, help_text="subject of the entry that holds it")
    at = models.DateTimeField(db_default=ClockTimestamp())
    emptied_at = models.DateTimeField(null=True)

    class Meta:
        """Emptied once, otherwise left alone: a trigger sees to it."""

        verbose_name = "value beside the ledger"
        verbose_name_plural = "values beside the ledger"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="value_whole_or_gone",
                condition=Q(salt__isnull=False, value__isnull=False, emptied_at=None)
                | Q(salt=None, value=None, emptied_at__isnull=False),
            )
        ]
        indexes: ClassVar = [models.Index("about", name="value_about")]

    def __str__(self) -> str:
        """Name what it belongs to."""
        return f"value of {self.about}"


class Acknowledgement(models.Model):
    """A named person knows what a check of the ledger has found."""

    findings_digest = models.CharField(max_length=64)
    findings = models.JSONField()
    to_seq = models.BigIntegerField()
    by = models.CharField(max_length=150)
    why = models.TextField()
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Looked up by what was found."""

        indexes: ClassVar = [models.Index("findings_digest", "at", name="acknowledgement_of")]

    def __str__(self) -> str:
        """Name the person."""
        return f"acknowledged by {self.by}"


class BreakGlass(models.Model):
    """What a person did past the ledger, brought in later: a debt until another has looked."""

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    who = models.CharField(max_length=150)
    what = models.TextField()
    ticket_ref = models.CharField(max_length=40)
    claimed_at = models.DateTimeField(help_text="when it was done, as its doer says")
    recorded_at = models.DateTimeField(db_default=ClockTimestamp())
    evidence_sha256 = models.CharField(max_length=64)
    imported_by = models.CharField(max_length=150)
    single_operator = models.BooleanField(help_text="whether only one person operates this house")
    acknowledged_by = models.CharField(max_length=150, db_default="")
    acknowledged_why = models.TextField(db_default="")
    acknowledged_at = models.DateTimeField(null=True)
    independent = models.BooleanField(null=True, help_text="acknowledged by somebody else")

    class Meta:
        """Brought in once."""

        verbose_name = "act past the ledger"
        verbose_name_plural = "acts past the ledger"
        ordering: ClassVar = ["claimed_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="breakglass_once", fields=["who", "claimed_at", "evidence_sha256"]
            )
        ]
        indexes: ClassVar = [
            models.Index("claimed_at", name="breakglass_debt", condition=Q(acknowledged_at=None))
        ]

    def __str__(self) -> str:
        """Name the doer."""
        return f"by {self.who}"
