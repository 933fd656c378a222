"""Which object of iTop a ticket is, what waits for iTop, what it said, and how it is followed."""

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
    updated_there = models.CharField(
        max_length=32, db_default="", help_text="last_update as iTop's own clock wrote it"
    )
    noticed_at = models.DateTimeField(null=True, help_text="when we first saw that last_update")
    swept_at = models.DateTimeField(null=True, help_text="the last look at all ids that found it")
    gone_at = models.DateTimeField(null=True, help_text="when iTop had it no more, or hid it")

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


class News(models.Model):
    """What people did to a ticket in iTop, that the desk has not heard of yet."""

    WHAT: ClassVar = ["born", "changed", "gone"]

    mirrored = models.ForeignKey(Mirrored, on_delete=models.PROTECT, related_name="news")
    what = models.CharField(max_length=8, choices=[(one, one) for one in WHAT])
    before = models.CharField(max_length=32, db_default="", help_text="our state before")
    state = models.CharField(max_length=32)
    assignee_before = models.CharField(max_length=150, db_default="")
    assignee = models.CharField(max_length=150, db_default="")
    attributes = models.JSONField(default=list, help_text="names of iTop's that were written")
    lines = models.IntegerField(db_default=0, help_text="of a log that others wrote")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """Written with what was taken over, and gone once the desk has heard it."""

        verbose_name = "news from iTop"
        verbose_name_plural = "news from iTop"

    def __str__(self) -> str:
        return f"{self.mirrored_id} {self.what}"


class Following(models.Model):
    """How far an iTop was followed; one row per iTop, by its address."""

    url = models.CharField(primary_key=True, max_length=300)
    began = models.CharField(
        max_length=32, db_default="", help_text="iTop's time of the first look; older is not ours"
    )
    reached = models.CharField(
        max_length=32, db_default="", help_text="the newest last_update that was seen"
    )
    busy_until = models.DateTimeField(null=True, help_text="somebody is at it, unless it died")
    polled_at = models.DateTimeField(null=True, help_text="the last look that came to its end")
    swept_at = models.DateTimeField(null=True, help_text="the last look at all ids")
    fault = models.TextField(db_default="", help_text="what came of the last look")
    faulty_since = models.DateTimeField(null=True)
    left_out = models.JSONField(default=dict, help_text="object -> why it was not taken over")
    missing = models.IntegerField(db_default=0, help_text="too many to be believed gone")
    cron_looked_at = models.DateTimeField(null=True)
    cron_state = models.CharField(max_length=8, db_default="unknown")
    cron_at = models.DateTimeField(null=True, help_text="when its background tasks last ran")
    cron_said = models.TextField(db_default="")
    pages = models.IntegerField(db_default=0, help_text="pages of the last look")
    changed = models.IntegerField(db_default=0, help_text="tickets that the last look took over")

    class Meta:
        """Written by whoever follows."""

        verbose_name = "iTop that is followed"
        verbose_name_plural = "followed iTops"

    def __str__(self) -> str:
        return self.url


class Callback(models.Model):
    """What an iTop called us with, byte for byte; a hint, and nothing to believe."""

    STATES: ClassVar = ["stored", "read", "unreadable", "left"]

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the raw body")
    raw = models.BinaryField()
    state = models.CharField(
        max_length=10, choices=[(one, one) for one in STATES], db_default="stored"
    )
    said = models.CharField(max_length=300, db_default="", help_text="what came of it")
    repeats = models.IntegerField(db_default=0)
    asked = models.IntegerField(db_default=0, help_text="how often it was given to a worker anew")
    received_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        """The same bytes are one row; the oldest are forgotten."""

        verbose_name = "callback of iTop"
        verbose_name_plural = "callbacks of iTop"
        indexes: ClassVar = [models.Index("last_at", name="callback_heard")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} {self.state}"


class SiteField(models.Model):
    """What a site has us write where its own iTop demands more than iTop's model does."""

    itop_class = models.CharField(max_length=64)
    at = models.CharField(max_length=64, help_text="`create`, or a state of iTop's")
    values = models.JSONField(default=dict, help_text="attribute -> value, or what names an object")

    class Meta:
        """Written from the site file alone."""

        verbose_name = "field that a site's iTop demands"
        verbose_name_plural = "fields that a site's iTop demands"
        constraints: ClassVar = [
            models.UniqueConstraint(name="site_field_once", fields=["itop_class", "at"])
        ]

    def __str__(self) -> str:
        return f"{self.itop_class} {self.at}"
