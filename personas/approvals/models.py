"""Rows of approvals: what waits, who decided, what was shown, and what a run may still use.

Nobody writes these through the ORM at run time but the owner, who loads files; the gate's
functions do.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, TextField

from audit.fields import ClockTimestamp
from personas.models import Action, Run
from personas.states import APPROVAL_STATES, CHANGE_CLASSES, TRUST

KINDS = ("propose", "veto")
FACTORS = ("", "totp")


class Approval(models.Model):
    """An action that a person decides about: what it is, what he was shown, what he said."""

    action = models.OneToOneField(Action, primary_key=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=[(v, v) for v in KINDS])
    change_class = models.CharField(max_length=10, choices=[(v, v) for v in CHANGE_CLASSES])
    state = models.CharField(
        max_length=12, db_default="waiting", choices=[(v, v) for v in APPROVAL_STATES]
    )
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="approvals")
    ticket_ref = models.CharField(max_length=40)
    entry = models.CharField(max_length=60)
    target = models.CharField(max_length=200)
    author = models.CharField(max_length=160, help_text="run:<id>, the agent that proposed it")
    asked_by = ArrayField(TextField(), help_text="persons who asked for it or wrote what it runs")
    facts = models.JSONField(help_text="computed by the gate, never by a model")
    shown = models.TextField(help_text="the facts' bytes, as they are put before a person")
    shown_sha256 = models.CharField(max_length=64)
    pins = models.JSONField(help_text="digests of tree, arguments, CI, host and ticket")
    tree_hash = models.CharField(max_length=64, db_default="")
    args_digest = models.CharField(max_length=64, db_default="")
    proposed_at = models.DateTimeField(db_default=ClockTimestamp())
    not_before = models.DateTimeField(null=True, help_text="a veto's window ends here")
    expires_at = models.DateTimeField()
    approver = models.CharField(max_length=160, db_default="", help_text="person:<name>")
    why = models.TextField(db_default="")
    factor = models.CharField(max_length=10, db_default="", choices=[(v, v) for v in FACTORS])
    factor_step = models.BigIntegerField(null=True, help_text="which code of the factor was used")
    independent = models.BooleanField(null=True)
    decided_at = models.DateTimeField(null=True)
    confirmed = models.TextField(
        db_default="", help_text="the facts' bytes as he was shown them when he approved"
    )
    confirmed_sha256 = models.CharField(max_length=64, db_default="")
    implementer = models.CharField(max_length=240, db_default="", help_text="executor:<process>")

    class Meta:
        """Author, approver and implementer are three, and no code counts twice."""

        ordering: ClassVar = ["-proposed_at"]
        permissions: ClassVar = [("approve", "Can approve what agents propose")]
        constraints: ClassVar = [
            models.CheckConstraint(name="approval_state", condition=Q(state__in=APPROVAL_STATES)),
            models.CheckConstraint(name="approval_kind", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(
                name="approval_three_principals",
                condition=~Q(approver=F("author"))
                & ~Q(implementer=F("author"))
                & (Q(approver="") | ~Q(implementer=F("approver"))),
            ),
            models.CheckConstraint(
                name="approval_by_person",
                condition=Q(approver="") | Q(approver__startswith="person:"),
            ),
            models.CheckConstraint(
                name="approval_approved_whole",
                condition=~Q(state="approved")
                | (
                    Q(kind="propose", decided_at__isnull=False, independent__isnull=False)
                    & ~Q(approver="")
                ),
            ),
            models.CheckConstraint(
                name="approval_second_factor",
                condition=~Q(state="approved")
                | (Q(change_class="standard") & Q(independent=True))
                | (Q(factor="totp") & Q(factor_step__isnull=False)),
            ),
            models.UniqueConstraint(
                name="approval_code_once",
                fields=["approver", "factor_step"],
                condition=Q(factor_step__isnull=False),
            ),
            models.UniqueConstraint(
                name="approval_one_waits",
                fields=["ticket_ref", "entry", "target"],
                condition=Q(state="waiting"),
            ),
        ]
        indexes: ClassVar = [
            models.Index("expires_at", name="approval_waiting", condition=Q(state="waiting")),
            models.Index("ticket_ref", "proposed_at", name="approval_ticket"),
        ]

    def __str__(self) -> str:
        """Name what is decided about."""
        return f"{self.entry} on {self.target}: {self.state}".strip()


class Told(models.Model):
    """A notice that told people of something they may object to."""

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="notices")
    key = models.CharField(max_length=60)

    class Meta:
        """One row per notice."""

        verbose_name = "notice of an approval"
        verbose_name_plural = "notices of approvals"
        constraints: ClassVar = [
            models.UniqueConstraint(name="told_once", fields=["approval", "key"])
        ]

    def __str__(self) -> str:
        """Name the notice."""
        return self.key


class Tree(models.Model):
    """The files behind a hash, kept so that a person can be shown exactly what runs."""

    tree_hash = models.CharField(primary_key=True, max_length=64)
    entry = models.CharField(max_length=60)
    files = models.JSONField(help_text="list of {path, sha256, text}")
    before = models.CharField(max_length=64, db_default="", help_text="the entry's tree before")
    diff = models.TextField(help_text="unified, against the tree before")
    diff_sha256 = models.CharField(max_length=64)
    loaded_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Never changed."""

        verbose_name = "tree of a playbook"
        verbose_name_plural = "trees of playbooks"

    def __str__(self) -> str:
        """Name entry and hash."""
        return f"{self.entry} {self.tree_hash[:12]}"


class Author(models.Model):
    """Who is known to have written, pinned or loaded something that approvals rest on."""

    kind = models.CharField(max_length=10, choices=[(v, v) for v in ("tree", "card")])
    digest = models.CharField(max_length=64)
    person = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Once per person."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="author_once", fields=["kind", "digest", "person"])
        ]

    def __str__(self) -> str:
        """Name person and thing."""
        return f"{self.person}: {self.kind} {self.digest[:12]}"


class Profile(models.Model):
    """How this house approves, as its site file declares; one row."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    single = models.BooleanField(db_default=False, help_text="one person operates this house")
    delay_s = models.IntegerField(db_default=120, help_text="before one may approve what is his")
    veto_s = models.IntegerField(db_default=300, help_text="the window to object")
    standard_s = models.IntegerField(db_default=86_400, help_text="so long a proposal waits")
    normal_s = models.IntegerField(db_default=259_200, help_text="so long, of a normal change")
    emergency_s = models.IntegerField(db_default=28_800, help_text="so long, of an emergency")

    class Meta:
        """Exactly one row."""

        constraints: ClassVar = [
            models.CheckConstraint(name="profile_single", condition=Q(id=1)),
            models.CheckConstraint(
                name="profile_bounds",
                condition=Q(delay_s__range=(30, 86400), veto_s__range=(30, 86400))
                & Q(standard_s__range=(60, 2592000), normal_s__range=(60, 2592000))
                & Q(emergency_s__range=(60, 2592000)),
            ),
        ]

    def __str__(self) -> str:
        """Name it."""
        return "single operator" if self.single else "several operators"


class Factor(models.Model):
    """The second factor of a person; the secret is readable to the gate alone."""

    person = models.CharField(primary_key=True, max_length=150)
    secret = models.BinaryField(help_text="20 bytes of a TOTP (RFC 6238, SHA-1, 30 s, 6 digits)")
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(db_default=0, help_text="the last code that was taken")
    failures = models.IntegerField(db_default=0, help_text="wrong codes since the last right one")
    locked_until = models.DateTimeField(null=True)
    enrolled_by = models.CharField(max_length=150)
    enrolled_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One per person."""

        verbose_name = "second factor"
        constraints: ClassVar = [
            models.UniqueConstraint(name="factor_secret_once", fields=["secret"])
        ]

    def __str__(self) -> str:
        """Name the person."""
        return self.person


class RunPlan(models.Model):
    """What code would offer a run, fixed when it was born, before it has read anything."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.PROTECT)
    offers = models.JSONField(help_text="list of {verb, entry, target}")
    digest = models.CharField(max_length=64)
    fixed_at = models.DateTimeField(db_default=ClockTimestamp())

    def __str__(self) -> str:
        """Name it by its digest."""
        return self.digest[:12]


class Taint(models.Model):
    """That a run has read text from somewhere; it is never taken back, nor made better."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="taints")
    source = models.CharField(max_length=120)
    trust = models.CharField(max_length=10, choices=[(v, v) for v in TRUST])
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Once per source."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="taint_once", fields=["run", "source"]),
            models.CheckConstraint(name="taint_trust", condition=Q(trust__in=TRUST)),
        ]

    def __str__(self) -> str:
        """Name the source."""
        return f"{self.source}: {self.trust}"
