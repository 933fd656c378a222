"""The one fact that figures need and no other room keeps: when a CI was well again.

Samples are kept for a day. What they said of the end of an incident is written down while they are
there, once, on record; no figure is.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from audit.fields import ClockTimestamp

SOURCES = ("probes", "alert")


class Restoration(models.Model):
    """Since when everything that an incident names was well, for a whole window."""

    ticket_ref = models.CharField(max_length=40)
    episode = models.IntegerField(help_text="how often the incident had been opened again")
    well_from = models.DateTimeField()
    window_s = models.IntegerField(help_text="so long it had stayed well when this was written")
    source = models.CharField(
        max_length=10,
        choices=[(name, name) for name in SOURCES],
        help_text="its own probes, or the end of its alerts where no probe sees it",
    )
    noted_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Once for each time that it was opened; never changed."""

        constraints: ClassVar = [
            models.UniqueConstraint(name="restoration_once", fields=["ticket_ref", "episode"]),
            models.CheckConstraint(name="restoration_source", condition=Q(source__in=SOURCES)),
        ]
        indexes: ClassVar = [models.Index(F("well_from").desc(), name="restoration_newest")]

    def __str__(self) -> str:
        """Name the incident."""
        return f"{self.ticket_ref}, well since {self.well_from:%Y-%m-%d %H:%M:%S}"
