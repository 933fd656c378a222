"""Which object of iTop a ticket of ours is, and the writes that wait for iTop."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from adapters.tickets.models import Ticket


class Mirrored(models.Model):
    """A ticket that lives in iTop; its row, locked, is what makes writes to it take turns."""

    ticket = models.OneToOneField(
        Ticket, primary_key=True, on_delete=models.PROTECT, related_name="itop"
    )
    itop_class = models.CharField(max_length=64)
    itop_id = models.BigIntegerField(null=True, help_text="empty until iTop has it")
    itop_ref = models.CharField(max_length=64, db_default="")
    status = models.CharField(max_length=64, db_default="", help_text="iTop's, as last seen")
    seen = models.JSONField(default=dict, help_text="attributes, as last seen or written")
    lines_seen = models.JSONField(default=dict, help_text="log -> how many of its lines we know")
    tto_due_at = models.DateTimeField(null=True)
    ttr_due_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="when iTop was last read")

    class Meta:
        """An object of iTop is one ticket here."""

        verbose_name = "ticket in iTop"
        verbose_name_plural = "tickets in iTop"
        constraints: ClassVar = [
            models.UniqueConstraint(name="mirrored_object_once", fields=["itop_class", "itop_id"])
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} is {self.itop_ref or 'not yet in iTop'}"


class Waiting(models.Model):
    """A write that iTop has still to be told, in the order of ids; or has refused."""

    mirrored = models.ForeignKey(Mirrored, on_delete=models.PROTECT, related_name="waiting")
    key = models.UUIDField(unique=True)
    write = models.JSONField()
    attempts = models.IntegerField(db_default=1)
    error = models.TextField(db_default="", help_text="what came of the last try")
    outage = models.BooleanField(db_default=True, help_text="False where iTop said no")
    made_at = models.DateTimeField(db_default=Now())
    tried_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One queue per ticket."""

        verbose_name = "write that waits for iTop"
        verbose_name_plural = "writes that wait for iTop"
        indexes: ClassVar = [models.Index("mirrored", "id", name="waiting_in_turn")]

    def __str__(self) -> str:
        return f"{self.key} on {self.mirrored_id}"
