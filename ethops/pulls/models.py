"""What became of pull requests that we opened, as far as anybody here has seen, and who is told."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp

STATES = ("open", "merged", "closed")


class Followed(models.Model):
    """One pull request: followed from its opening at a forge elsewhere, from its end at ours.

    Only doors of the schema `gate` write it: each end is told to the ticket once.
    """

    key = models.UUIDField(primary_key=True, help_text="the action that opened it")
    number = models.BigIntegerField()
    ticket_ref = models.CharField(max_length=64, db_default="")
    title = models.CharField(max_length=200)
    url = models.CharField(max_length=500, db_default="", help_text="empty: at the forge here")
    head = models.CharField(max_length=64)
    state = models.CharField(
        max_length=8, choices=[(each, each) for each in STATES], db_default="open"
    )
    merged_as = models.CharField(max_length=64, db_default="")
    ended_by = models.CharField(max_length=150, db_default="")
    ended_why = models.CharField(max_length=500, db_default="")
    ended_at = models.DateTimeField(null=True)
    reviews = models.JSONField(db_default=[], help_text="what was said there; it counts nothing")
    mark = models.CharField(
        max_length=60, db_default="", help_text="its last change, in their words"
    )
    asked_at = models.DateTimeField(null=True, help_text="whatever came of it")
    seen_at = models.DateTimeField(null=True)
    unread = models.IntegerField(
        db_default=0, help_text="looks in a row that could not read it, and others"
    )
    missing = models.IntegerField(db_default=0, help_text="looks in a row that found it nowhere")
    ends = models.IntegerField(db_default=0, help_text="how often it was merged or closed")
    told = models.BooleanField(db_default=True, help_text="nothing is left to be told")
    action = models.UUIDField(null=True, help_text="what was ordered last, to tell the ticket")
    tries = models.IntegerField(db_default=0, help_text="orders in a row that came to nothing")
    next_at = models.DateTimeField(null=True)

    class Meta:
        """Few are open, and few untold: those are looked up."""

        verbose_name = "followed pull request"
        constraints: ClassVar = [
            models.CheckConstraint(name="followed_state_known", condition=Q(state__in=STATES))
        ]
        indexes: ClassVar = [
            models.Index(
                F("asked_at").asc(nulls_first=True),
                "key",
                name="followed_to_look_at",
                condition=~Q(url="") & ~Q(state="merged"),
            ),
            models.Index("key", name="followed_untold", condition=Q(told=False)),
            models.Index(
                "ticket_ref", name="followed_waiting", condition=~Q(url="") & Q(state="open")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class ForgeLook(models.Model):
    """How the last look at the forge elsewhere went; one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(db_default=ClockTimestamp())
    misses = models.IntegerField(db_default=0, help_text="looks in a row without an answer")
    away_since = models.DateTimeField(null=True)
    said = models.CharField(max_length=300, db_default="")
    busy_until = models.DateTimeField(null=True, help_text="somebody is at it, unless it died")
    followed_to = models.DateTimeField(
        null=True, help_text="what was opened there until then is followed"
    )

    class Meta:
        """There is one forge."""

        verbose_name = "look at the forge"
        verbose_name_plural = "looks at the forge"
        constraints: ClassVar = [models.CheckConstraint(name="one_look", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.said or "it answered"
