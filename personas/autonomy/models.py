"""Rows beside those of the agents: what a run has spent, the breaker, and how often who was right.

Nobody writes these through the ORM at run time: functions of the schema `gate` do, and the owner
loads what the site declares and what the evaluation set says.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp
from personas.autonomy.states import BREAKER_STATES, VERDICTS
from personas.models import Action, Card, Run
from personas.states import LEVELS


class Policy(models.Model):
    """A number that the site declares; what is not here has its default in `gate.policy`."""

    name = models.CharField(primary_key=True, max_length=40)
    value = models.FloatField()

    class Meta:
        """Shown as the site's numbers."""

        verbose_name_plural = "policy"

    def __str__(self) -> str:
        """Name it with its value."""
        return f"{self.name}: {self.value:g}"


class Spent(models.Model):
    """What the gate saw a run spend on models; never what its agent claims."""

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="spent"
    )
    tokens_in = models.BigIntegerField(db_default=0)
    tokens_out = models.BigIntegerField(db_default=0)
    questions = models.IntegerField(db_default=0)

    class Meta:
        """Shown as spending."""

        verbose_name_plural = "spent"

    def __str__(self) -> str:
        """Tell both sums."""
        return f"{self.tokens_in} in, {self.tokens_out} out"


class Breaker(models.Model):
    """The fleet's breaker: one row; none at all means closed."""

    id = models.SmallIntegerField(primary_key=True, db_default=1)
    state = models.CharField(
        max_length=10, db_default="closed", choices=[(v, v) for v in BREAKER_STATES]
    )
    rule = models.CharField(max_length=40, db_default="")
    reason = models.TextField(db_default="")
    ticket_ref = models.CharField(max_length=40, db_default="")
    by = models.CharField(max_length=150, db_default="", help_text="who closed it last")
    since = models.DateTimeField(db_default=ClockTimestamp())
    closed_at = models.DateTimeField(null=True, help_text="what went wrong before counts no more")

    class Meta:
        """Exactly one row."""

        constraints: ClassVar = [
            models.CheckConstraint(name="breaker_single", condition=Q(id=1)),
            models.CheckConstraint(
                name="breaker_state", condition=Q(state__in=list(BREAKER_STATES))
            ),
        ]

    def __str__(self) -> str:
        """Tell its state."""
        return self.state


class Judgement(models.Model):
    """Whether one change, done or only observed, was right: by facts, or by a person's word."""

    action = models.OneToOneField(
        Action, primary_key=True, on_delete=models.PROTECT, related_name="judgement"
    )
    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    entry = models.CharField(max_length=60)
    ci_class = models.CharField(max_length=60)
    engine = models.CharField(max_length=120, db_default="")
    confidence = models.FloatField(null=True, help_text="as stated before it was done")
    verdict = models.CharField(max_length=10, choices=[(v, v) for v in VERDICTS])
    proven_false = models.BooleanField(db_default=False)
    healed_alone = models.BooleanField(
        db_default=False, help_text="it was well before: counts neither way"
    )
    why = models.TextField(db_default="")
    judged_by = models.CharField(max_length=150, help_text="facts, or person:NAME")
    acted_at = models.DateTimeField()
    judged_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Counted by triple, and by card and engine."""

        indexes: ClassVar = [
            models.Index("card", "entry", "ci_class", name="judgement_triple"),
            models.Index(F("judged_at").desc(), name="judgement_recent"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="judgement_false_is_wrong",
                condition=Q(proven_false=False) | Q(verdict="wrong"),
            )
        ]

    def __str__(self) -> str:
        """Name the triple and the verdict."""
        return f"{self.card_id} x {self.entry} x {self.ci_class}: {self.verdict}"


class Kept(models.Model):
    """One CI on which a card goes less far than on its class; no row means as far."""

    card = models.ForeignKey(Card, on_delete=models.CASCADE)
    entry = models.CharField(max_length=60)
    ci_ref = models.CharField(max_length=200)
    ci_class = models.CharField(max_length=60, help_text="as it was then")
    level = models.CharField(max_length=10, choices=[(v, v) for v in LEVELS])
    set_by = models.CharField(max_length=150)
    why = models.TextField()
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One level per CI, and in the order of the page."""

        ordering: ClassVar = ["card", "entry", "ci_ref"]
        verbose_name = "level of a CI"
        verbose_name_plural = "levels of CIs"
        constraints: ClassVar = [
            models.UniqueConstraint(name="kept_once", fields=["card", "entry", "ci_ref"]),
            models.CheckConstraint(name="kept_level", condition=Q(level__in=list(LEVELS))),
        ]

    def __str__(self) -> str:
        """Name the CI and how far the card goes there."""
        return f"{self.card_id} x {self.entry} on {self.ci_ref}: {self.level}"


class Change(models.Model):
    """A level that was set, by whom, why, and the figures that he was shown."""

    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    entry = models.CharField(max_length=60)
    ci_class = models.CharField(max_length=60)
    ci_ref = models.CharField(
        max_length=200, db_default="", help_text="where it was set for one CI alone"
    )
    before = models.CharField(max_length=10, choices=[(v, v) for v in LEVELS])
    level = models.CharField(max_length=10, choices=[(v, v) for v in LEVELS])
    by = models.CharField(max_length=150)
    why = models.TextField()
    figures = models.JSONField()
    against_the_figures = models.BooleanField(db_default=False)
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-at"]
        verbose_name = "change of a level"
        verbose_name_plural = "changes of levels"
        indexes: ClassVar = [models.Index("card", "entry", "ci_class", name="change_triple")]

    def __str__(self) -> str:
        """Name the triple and what became of it."""
        where = f"on {self.ci_ref}" if self.ci_ref else f"x {self.ci_class}"
        return f"{self.card_id} x {self.entry} {where}: {self.before} to {self.level}"


class Evaluation(models.Model):
    """One card's part of the evaluation set, asked of one engine once: evidence of the card."""

    card = models.CharField(max_length=60)
    engine = models.CharField(max_length=120, help_text="as the gate calls it in answers")
    model_digest = models.CharField(max_length=80, db_default="")
    prompt_digest = models.CharField(max_length=64, help_text="of the card's prompts, then")
    set_digest = models.CharField(max_length=64, help_text="of the cases, then")
    figures = models.JSONField(help_text="asked, grades, and how far confidence came true")
    by = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Newest first; never changed."""

        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [
            models.Index("card", "engine", F("at").desc(), name="evaluation_newest")
        ]

    def __str__(self) -> str:
        """Name card, engine and day."""
        return f"{self.card} by {self.engine}, {self.at:%Y-%m-%d}"


class Evaluated(models.Model):
    """What an engine stated to a case of the evaluation set, where it would have acted on it."""

    card = models.CharField(max_length=60)
    engine = models.CharField(max_length=120)
    case = models.CharField(max_length=80)
    confidence = models.FloatField()
    sound = models.BooleanField(help_text="nobody would have had to make it good")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """An engine is asked each case once."""

        verbose_name = "evaluated answer"
        constraints: ClassVar = [
            models.UniqueConstraint(name="evaluated_once", fields=["card", "engine", "case"])
        ]

    def __str__(self) -> str:
        """Name the case and what was stated."""
        return f"{self.engine} on {self.case}: {self.confidence:g}"
