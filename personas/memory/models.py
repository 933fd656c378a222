"""Rows of memory: items, and the evidence that each rests on.

Written by the functions of the schema `memory` alone, out of the bytes of ledger entries.
"""

from typing import ClassVar

from django.db import models

from audit.fields import ClockTimestamp, RandomUuid
from personas.memory.kinds import KINDS


class Item(models.Model):
    """Something that runs have shown; how often it held is counted in its evidence."""

    id = models.UUIDField(primary_key=True, db_default=RandomUuid(), editable=False)
    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in KINDS])
    ci_class = models.CharField(max_length=60, db_default="")
    alert = models.CharField(max_length=80, db_default="", help_text="name of the alert")
    subject = models.CharField(max_length=200, help_text="entries in order, a sign, or a run")
    facts = models.JSONField(db_default={})
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """One item per thing that can be known."""

        verbose_name = "item of memory"
        verbose_name_plural = "memory"
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="memory_once", fields=["kind", "ci_class", "alert", "subject"]
            )
        ]
        indexes: ClassVar = [models.Index("ci_class", "alert", name="memory_fits")]

    def __str__(self) -> str:
        """Name what is known."""
        return f"{self.kind}: {self.subject}"


class Evidence(models.Model):
    """One run that showed the item, right or wrong, and the ledger entry that says so."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="evidence")
    run = models.UUIDField()
    ticket_ref = models.CharField(max_length=40)
    source_seq = models.BigIntegerField(help_text="number of the ledger entry")
    source_hash = models.CharField(max_length=64, help_text="of that entry, as it was verified")
    held = models.BooleanField(help_text="whether it worked, or came true")
    at = models.DateTimeField(help_text="when the entry was written")

    class Meta:
        """A run counts once."""

        verbose_name_plural = "evidence"
        constraints: ClassVar = [
            models.UniqueConstraint(name="evidence_once", fields=["item", "run"])
        ]
        indexes: ClassVar = [
            models.Index("run", name="evidence_run"),
            models.Index("source_seq", name="evidence_source"),
        ]

    def __str__(self) -> str:
        """Name the entry."""
        return f"#{self.source_seq}"


class Learned(models.Model):
    """An ended run that memory has looked at, and what came of that."""

    run = models.UUIDField(primary_key=True)
    said = models.CharField(max_length=200, help_text="how many items, or why none")
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Each run is looked at once."""

        verbose_name = "run that was learned from"
        verbose_name_plural = "runs that were learned from"

    def __str__(self) -> str:
        """Name the run."""
        return f"{self.run}: {self.said}"
