"""Silences of windows on the desk: what was asked of whom, and what came of it."""

from django.contrib import admin

from ethops.muting.models import Muting


@admin.register(Muting)
class MutingAdmin(admin.ModelAdmin[Muting]):
    """The newest first."""

    list_display = ("window", "alertmanager", "number", "until", "agreed", "tries", "said")
    list_filter = ("alertmanager",)
    ordering = ("-declared_at",)
