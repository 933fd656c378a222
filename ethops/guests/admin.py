"""Guests at the desk: which links there are, and until when they open what."""

from django.contrib import admin

from ethops.guests.models import Link


@admin.register(Link)
class LinkAdmin(admin.ModelAdmin[Link]):
    """Links, newest first; nobody can read a secret here."""

    list_display = ("ticket_ref", "person", "made_by", "made_at", "expires_at", "revoked_at")
    fields = (
        "ticket_ref",
        "person",
        "made_by",
        "made_at",
        "expires_at",
        "revoked_at",
        "revoked_by",
    )
    search_fields = ("ticket_ref", "person")
    ordering = ("-made_at",)
