"""Compliance on the desk: what was observed, and what is said not to apply."""

from django.contrib import admin

from adapters.compliance.models import Exemption, Observation


@admin.display(description="scope", ordering="scope")
def place(one: Exemption | Observation) -> str:
    """Return the CI, or that it is everything."""
    return one.scope or "everything"


@admin.register(Observation)
class ObservationAdmin(admin.ModelAdmin[Observation]):
    """What was observed, newest first."""

    list_display = ("collected_at", "safeguard", place, "outcome", "said", "expires_at", "source")
    list_filter = ("outcome", "kind")
    search_fields = ("safeguard", "scope", "said")
    ordering = ("-collected_at",)


@admin.register(Exemption)
class ExemptionAdmin(admin.ModelAdmin[Exemption]):
    """What people say does not apply, newest first."""

    list_display = ("said_at", "safeguard", place, "reason", "said_by", "until")
    search_fields = ("safeguard", "scope", "reason", "said_by")
    ordering = ("-said_at",)
