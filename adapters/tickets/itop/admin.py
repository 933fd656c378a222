"""iTop on the desk: how it is followed, what waits for it, and what it called us with."""

from typing import Any

from django.contrib import admin

from adapters.tickets.itop.models import Callback, Following, SiteField, Waiting


@admin.register(Following)
class FollowingAdmin(admin.ModelAdmin[Any]):
    """How far an iTop was followed, and whether its cron lives."""

    list_display = ("url", "polled_at", "swept_at", "faulty_since", "cron_state", "cron_at")


@admin.register(Waiting)
class WaitingAdmin(admin.ModelAdmin[Any]):
    """Writes that iTop has still to be told, or has refused."""

    list_display = ("mirrored", "outage", "attempts", "error", "made_at")
    list_filter = ("outage",)
    list_select_related = ("mirrored",)
    ordering = ("id",)


@admin.register(Callback)
class CallbackAdmin(admin.ModelAdmin[Any]):
    """What iTop called us with lately."""

    list_display = ("digest", "state", "said", "repeats", "last_at")
    list_filter = ("state",)
    ordering = ("-last_at",)


@admin.register(SiteField)
class SiteFieldAdmin(admin.ModelAdmin[Any]):
    """What the site file has us write."""

    list_display = ("itop_class", "at", "values")
    list_filter = ("itop_class",)
    ordering = ("itop_class", "at")
