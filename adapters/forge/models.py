"""Rows of the embedded forge: pull requests, and what people said of them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

STATES = ("open", "merging", "merged", "closed")
VERDICTS = ("approved", "changes_requested", "commented")


def _choices(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class PullRequest(models.Model):
    """A pull request: the truth about it; git holds only the bytes."""

    number = models.BigAutoField(primary_key=True)
    key = models.UUIDField(unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(db_default="")
    author = models.CharField(max_length=150)
    behind = models.JSONField(db_default=[], help_text="whose word is the author's own")
    ticket_ref = models.CharField(max_length=64, db_default="")
    branch = models.CharField(max_length=120, unique=True)
    base = models.CharField(max_length=120)
    head = models.CharField(max_length=64)
    changes = models.JSONField(help_text="list of {path, kind, size}")
    state = models.CharField(max_length=8, choices=_choices(STATES), db_default="open")
    merged_as = models.CharField(max_length=64, db_default="")
    ended_by = models.CharField(max_length=150, db_default="")
    ended_why = models.CharField(max_length=500, db_default="")
    opened_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Merged as something, or not merged."""

        verbose_name = "pull request"
        permissions: ClassVar = [("approve_pull", "May approve pull requests")]
        constraints: ClassVar = [
            models.CheckConstraint(name="pull_state_known", condition=Q(state__in=STATES)),
            models.CheckConstraint(
                name="pull_merged_as",
                condition=Q(state="merged") ^ Q(merged_as=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-number"], name="pull_by_state"),
            models.Index(
                "ticket_ref", name="pull_waiting", condition=Q(state__in=("open", "merging"))
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class Review(models.Model):
    """What a person said of one head; it is never changed, only followed by another."""

    pull = models.ForeignKey(PullRequest, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.CharField(max_length=150)
    verdict = models.CharField(max_length=20, choices=_choices(VERDICTS))
    head = models.CharField(max_length=64)
    why = models.CharField(max_length=2000, db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """In the order said."""

        verbose_name = "review"
        constraints: ClassVar = [
            models.CheckConstraint(name="review_verdict_known", condition=Q(verdict__in=VERDICTS))
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.verdict}"
