"""Rows of the CMDB mirror; written by the owner from declarations, read by everybody."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower, Now

SYNCED = ("well", "failed", "absent", "asks")
"""As in the doors: `asks` is left by a person alone."""

PROPOSED = ("proposed", "accepted", "declined", "withdrawn")
FOUND = ("host", "service", "attribute")
"""As in `proposals`: states, and kinds of what is proposed."""

SCALE = ((1, "high"), (2, "medium"), (3, "low"))


class Host(models.Model):
    """An inventory host and how a playbook reaches it."""

    name = models.CharField(primary_key=True, max_length=64)
    connection = models.CharField(max_length=8, choices=[("local", "local"), ("ssh", "ssh")])
    address = models.CharField(max_length=200, db_default="")
    user = models.CharField(max_length=64, db_default="")
    port = models.IntegerField(db_default=22)
    python = models.CharField(max_length=200, db_default="")
    source = models.CharField(max_length=64)
    retired = models.BooleanField(db_default=False)

    class Meta:
        """Named once, whatever the source."""

        verbose_name = "host"

    def __str__(self) -> str:
        return self.name


class CI(models.Model):
    """A configuration item; others refer to it by its opaque ref."""

    ref = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=120)
    ci_class = models.CharField("class", max_length=64, db_index=True)
    attributes = models.JSONField(db_default={})
    impact = models.SmallIntegerField(choices=SCALE)
    urgency = models.SmallIntegerField(choices=SCALE)
    user_facing = models.BooleanField(db_default=False)
    lifeline = models.BooleanField(
        db_default=False, help_text="ethops or its operators stand on it: no act without a person"
    )
    inventory_host = models.ForeignKey(Host, null=True, on_delete=models.PROTECT)
    source = models.CharField(max_length=64)
    managed_by = models.CharField(max_length=64, db_default="")
    retired = models.BooleanField(db_default=False)

    class Meta:
        """Scales as on tickets."""

        verbose_name = "CI"
        verbose_name_plural = "CIs"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="ci_scales", condition=Q(impact__range=(1, 3), urgency__range=(1, 3))
            )
        ]
        indexes: ClassVar = [
            models.Index(Lower("name"), condition=Q(retired=False), name="ci_by_name"),
            models.Index(
                KeyTextTransform("itop", "attributes"),
                condition=Q(retired=False),
                name="ci_by_itop",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.ref})"


class Claim(models.Model):
    """One source's word for one field of a CI; the CI's row follows from all of them."""

    ref = models.CharField(max_length=64)
    field = models.CharField(max_length=140)
    source = models.CharField(max_length=64, db_index=True)
    value = models.JSONField()
    since = models.DateTimeField(db_default=Now(), help_text="says this since")

    class Meta:
        """One word of each source."""

        verbose_name = "claim"
        constraints: ClassVar = [
            models.UniqueConstraint("ref", "field", "source", name="claim_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} of {self.ref}: {self.field}"


class Precedence(models.Model):
    """Whose word about a CI counts before whose."""

    kind = models.CharField(primary_key=True, max_length=16, help_text="of source")
    place = models.SmallIntegerField(unique=True, help_text="1 counts first")

    class Meta:
        """Few rows, provided."""

        verbose_name = "precedence"
        verbose_name_plural = "precedences"

    def __str__(self) -> str:
        return f"{self.place}. {self.kind}"


class JoinRule(models.Model):
    """A declared rule by which an alert finds its CI."""

    name = models.CharField(primary_key=True, max_length=64)
    ordinal = models.IntegerField()
    conditions = models.JSONField(help_text="list of {label, field, attribute: true or false}")
    source = models.CharField(max_length=64)

    class Meta:
        """In the order declared."""

        verbose_name = "join rule"
        ordering: ClassVar = ["ordinal"]

    def __str__(self) -> str:
        return self.name


class Relation(models.Model):
    """One CI stands on one place; what its source no longer says is kept as gone."""

    dependent = models.CharField(max_length=64)
    support = models.CharField("stands on", max_length=200)
    kind = models.CharField(max_length=32)
    source = models.CharField(max_length=64)
    by_class = models.CharField(
        max_length=80, db_default="", help_text="the source's own, which says how fresh it is"
    )
    confidence = models.SmallIntegerField(db_default=100, help_text="percent")
    changed_at = models.DateTimeField(db_default=Now(), help_text="came, or went")
    seen_at = models.DateTimeField(db_default=Now(), help_text="last said by its source")
    fresh_until = models.DateTimeField(null=True, help_text="empty: holds until said otherwise")
    gone = models.BooleanField(db_default=False)

    class Meta:
        """Once per kind, whoever says it; found from either end."""

        verbose_name = "relation"
        constraints: ClassVar = [
            models.UniqueConstraint("dependent", "support", "kind", name="relation_once"),
            models.CheckConstraint(
                name="relation_sane",
                condition=Q(confidence__range=(1, 100)) & ~Q(dependent=F("support")),
            ),
        ]
        indexes: ClassVar = [models.Index("support", "dependent", name="relation_by_support")]

    def __str__(self) -> str:
        return f"{self.dependent} {self.kind} {self.support}"


class Known(models.Model):
    """A thing that another system says there is; nothing acts on it before an owner takes it."""

    ref = models.CharField(primary_key=True, max_length=64)
    source = models.CharField(max_length=16)
    their_class = models.CharField(max_length=80)
    their_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    ci_class = models.CharField("class", max_length=64)
    layer = models.CharField(max_length=16, db_default="")
    said = models.JSONField(db_default={}, help_text="what that system says of it")
    ci_ref = models.CharField("our CI", max_length=64, db_default="", db_index=True)
    seen_at = models.DateTimeField(db_default=Now(), help_text="last read")
    changed_at = models.DateTimeField(db_default=Now(), help_text="came, changed, or went")
    gone = models.BooleanField(db_default=False)

    class Meta:
        """Named once; found by class and id, and by name."""

        verbose_name = "known thing"
        constraints: ClassVar = [
            models.UniqueConstraint("source", "their_class", "their_id", name="known_once")
        ]
        indexes: ClassVar = [models.Index(Lower("name"), name="known_by_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.ref})"


class KnownLink(models.Model):
    """One sentence of another system's: a thing stands on a thing."""

    source = models.CharField(max_length=16)
    their_class = models.CharField(max_length=80)
    their_id = models.BigIntegerField()
    dependent = models.CharField(max_length=64)
    support = models.CharField("stands on", max_length=64)
    kind = models.CharField(max_length=32)
    seen_at = models.DateTimeField(db_default=Now(), help_text="last read")
    changed_at = models.DateTimeField(db_default=Now(), help_text="came, changed, or went")
    gone = models.BooleanField(db_default=False)

    class Meta:
        """One per object there; found by both ends, and by the object that says so."""

        verbose_name = "known link"
        constraints: ClassVar = [
            models.UniqueConstraint("source", "their_class", "their_id", name="knownlink_once")
        ]
        indexes: ClassVar = [
            models.Index("dependent", name="knownlink_by_dependent"),
            models.Index("support", name="knownlink_by_support"),
            models.Index("their_id", name="knownlink_by_their_id"),
        ]

    def __str__(self) -> str:
        return f"{self.dependent} {self.kind} {self.support}"


class Synced(models.Model):
    """How one class of another system stands: read whole, kept up to date, stopped."""

    source = models.CharField(max_length=16)
    their_class = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=[(one, one) for one in SYNCED])
    whole_at = models.DateTimeField(null=True, help_text="last read from end to end")
    checked_at = models.DateTimeField(null=True, help_text="up to then nothing is unknown")
    missing = models.JSONField(db_default=[], help_text="ids that a person is asked about")
    said = models.TextField(db_default="", help_text="why it is not well")

    class Meta:
        """One row per class."""

        verbose_name = "synchronised class"
        verbose_name_plural = "synchronised classes"
        constraints: ClassVar = [
            models.UniqueConstraint("source", "their_class", name="synced_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.their_class}"


class HistoryMark(models.Model):
    """How far another system's history of changes was read."""

    source = models.CharField(primary_key=True, max_length=16)
    date = models.DateTimeField(help_text="the newest in it, by the clock there, as if it were UTC")
    number = models.BigIntegerField(help_text="the highest in it")
    new_at = models.DateTimeField(help_text="since then nothing newer was seen")
    looked_at = models.DateTimeField(help_text="last read")

    class Meta:
        """One row per system."""

        verbose_name = "history mark"

    def __str__(self) -> str:
        return f"{self.source} {self.number}"


class Proposal(models.Model):
    """Something that was seen and is no CI, as a person would say it; until then nobody's word."""

    key = models.CharField(max_length=200, unique=True, help_text="what it is, whoever sees it")
    kind = models.CharField(max_length=12, choices=[(one, one) for one in FOUND])
    name = models.CharField(max_length=120)
    about = models.CharField("on", max_length=64, db_default="", help_text="the CI it is seen on")
    ref = models.CharField(max_length=64, help_text="of the CI that it is, or would be")
    said = models.JSONField(help_text="what accepting it says, field by field")
    source = models.CharField(max_length=100, help_text="the first who saw it and had room")
    seen = models.JSONField(db_default=[], help_text="what each source saw, and when")
    times = models.BigIntegerField(db_default=1, help_text="how often its newest 8 sources saw it")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, db_default="proposed", choices=[(one, one) for one in PROPOSED]
    )
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=150, db_default="")
    decided_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=500, db_default="")

    class Meta:
        """Found by what waits, the newest first."""

        verbose_name = "proposal"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="proposal_known", condition=Q(state__in=PROPOSED, kind__in=FOUND)
            )
        ]
        indexes: ClassVar = [models.Index("state", "last_seen_at", name="proposal_waits")]

    def __str__(self) -> str:
        return self.key
