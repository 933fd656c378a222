"""Rows of the embedded compliance: what was observed, and what people say does not apply."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

OUTCOMES = ("met", "unmet")


class Observation(models.Model):
    """One look at one safeguard within one scope; it is written once and never changed."""

    id = models.CharField(primary_key=True, max_length=64, help_text="digest of all that it says")
    kind = models.CharField(max_length=40)
    safeguard = models.CharField(max_length=8)
    scope = models.CharField(max_length=200, help_text="ref of a CI; empty: everything")
    outcome = models.CharField(max_length=8, choices=[(name, name) for name in OUTCOMES])
    said = models.CharField(max_length=500)
    source = models.CharField(max_length=200)
    collected_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    raw_sha256 = models.CharField(max_length=64, help_text="of what was read, as it was read")
    kept_at = models.DateTimeField(db_default=Now())

    class Meta:
        """The newest of each line decides."""

        verbose_name = "observation of a safeguard"
        verbose_name_plural = "observations of safeguards"
        permissions: ClassVar = [("attest", "Can say what is so of a safeguard")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="observation_outcome_known", condition=Q(outcome__in=OUTCOMES)
            ),
            models.CheckConstraint(
                name="observation_expires", condition=Q(expires_at__gt=F("collected_at"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "safeguard", "scope", "kind", "source", F("collected_at").desc(),
                name="observation_line",
            ),
            models.Index(
                "safeguard", "scope", "kind", "source", "outcome",
                F("collected_at").desc(), F("id").desc(), name="observation_deciding",
            ),
            models.Index(F("collected_at").desc(), name="observation_age"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.safeguard} of {self.scope or 'everything'}: {self.outcome}"


class Exemption(models.Model):
    """A person's word that a safeguard does not apply; the next word is a row of its own."""

    safeguard = models.CharField(max_length=8)
    scope = models.CharField(max_length=200, help_text="ref of a CI; empty: everything")
    reason = models.CharField(max_length=500)
    said_by = models.CharField(max_length=150)
    said_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        """Said once."""

        verbose_name = "exemption from a safeguard"
        verbose_name_plural = "exemptions from safeguards"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="exemption_said",
                condition=~Q(reason="") & ~Q(said_by="") & Q(until__gte=F("said_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.safeguard} of {self.scope or 'everything'}: {self.reason}"
