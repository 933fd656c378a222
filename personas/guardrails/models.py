"""Rows of the guardrails: written by the owner's load and by one door of the gate."""

from typing import ClassVar

from django.db import models

from audit.fields import ClockTimestamp

EFFECTS = ("refuse", "read-only", "confirm")


class Rule(models.Model):
    """One rule, as its file says it; what is no longer declared is switched off."""

    id = models.CharField(primary_key=True, max_length=60)
    effect = models.CharField(max_length=10, choices=[(each, each) for each in EFFECTS])
    applies = models.JSONField(help_text="verbs, cards, tools, entries: lists, empty for all")
    when = models.JSONField(help_text="fact -> matcher; all must hold")
    unless = models.JSONField(help_text="fact -> matcher; all holding lets it pass")
    say = models.TextField()
    source = models.CharField(max_length=400, help_text="file and line")
    digest = models.CharField(max_length=64, help_text="SHA-256 of its file")
    enabled = models.BooleanField(db_default=True)
    loaded_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Shown by id."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="guardrail_effect", condition=models.Q(effect__in=list(EFFECTS))
            )
        ]

    def __str__(self) -> str:
        """Name the rule."""
        return self.id


class CommandScope(models.Model):
    """Which commands one card may ask for under one name."""

    card = models.ForeignKey("personas.Card", on_delete=models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=60)
    risk = models.CharField(max_length=20)
    commands = models.JSONField(help_text="patterns, each a list of elements")
    options = models.JSONField()
    timeout_s = models.IntegerField()
    max_per_ticket = models.IntegerField()
    max_per_hour = models.IntegerField()

    class Meta:
        """One scope per name and card."""

        verbose_name = "scope of commands"
        verbose_name_plural = "scopes of commands"
        ordering: ClassVar = ["card", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="command_scope_once", fields=["card", "name"])
        ]

    def __str__(self) -> str:
        """Name card and scope."""
        return f"{self.card_id}: {self.name}"


class CardApproval(models.Model):
    """A named person's word that a card and its prompts are right as these digests say."""

    card = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the card's file")
    prompt_digest = models.CharField(max_length=64, help_text="SHA-256 of what its model is told")
    by = models.CharField(max_length=150)
    why = models.TextField()
    document = models.JSONField(default=dict, db_default={}, help_text="the card, as approved")
    told = models.TextField(
        blank=True, db_default="", help_text="what its model is told, as approved"
    )
    factor = models.CharField(max_length=10, blank=True, db_default="")
    independent = models.BooleanField(
        null=True, help_text="whether it was another than who loaded it; empty for a first load"
    )
    at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        """Once per card and digests."""

        verbose_name = "approval of a card"
        verbose_name_plural = "approvals of cards"
        ordering: ClassVar = ["-at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="card_approval_once", fields=["card", "digest", "prompt_digest"]
            )
        ]

    def __str__(self) -> str:
        """Name card and person."""
        return f"{self.card} by {self.by}"
