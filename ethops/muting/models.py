"""One row per silence that a window wants of one Alertmanager, and what that one has of it."""

import uuid
from typing import ClassVar

from django.db import models

from audit.fields import ClockTimestamp


class Muting(models.Model):
    """What is wanted, and whether Alertmanager has it; until it has, it is asked again.

    Its id stands in the silence's comment, and is how the silence is found again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    window = models.BigIntegerField(help_text="the maintenance window")
    number = models.IntegerField(help_text="which of its silences")
    alertmanager = models.CharField(max_length=64)
    url = models.CharField(max_length=500)
    matchers = models.JSONField()
    begins_at = models.DateTimeField()
    until = models.DateTimeField(help_text="when it is to end")
    may_until = models.DateTimeField(
        null=True, help_text="the latest end that it may have there; none: never asked"
    )
    agreed = models.BooleanField(db_default=False, help_text="it has the end that is wanted")
    action = models.UUIDField(null=True, help_text="what was ordered last")
    asked_until = models.DateTimeField(null=True, help_text="the end that was ordered last")
    tries = models.IntegerField(db_default=0, help_text="orders in a row that came to nothing")
    next_at = models.DateTimeField(db_default=ClockTimestamp())
    said = models.CharField(max_length=300, db_default="")
    declared_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Each silence of a window once."""

        verbose_name = "silence of a window"
        verbose_name_plural = "silences of windows"
        constraints: ClassVar = [
            models.UniqueConstraint(name="muting_once", fields=["window", "alertmanager", "number"])
        ]
        indexes: ClassVar = [models.Index("until", name="muting_until")]

    def __str__(self) -> str:
        return f"window {self.window} at {self.alertmanager}: {self.said or 'asked'}"
