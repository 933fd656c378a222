"""The record on the desk: entries, what waits to be one, durable work, heartbeats."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import Check, Entry, Heartbeat, Pending, Work


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin[Entry]):
    """The ledger as a plain list; the desk has a page of its own for each entry."""

    list_display = ("seq", "kind", "subject", "ticket_ref", "at", "digest")
    list_filter = ("kind",)
    search_fields = ("subject", "ticket_ref")
    ordering = ("-seq",)
    sortable_by = ("seq",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        """Leave the bytes where they are."""
        return super().get_queryset(request).defer("body")

    @admin.display(description="Hash")
    def digest(self, one: Entry) -> str:
        """The first eight digits."""
        return bytes(one.hash).hex()[:8]


@admin.register(Pending)
class PendingAdmin(admin.ModelAdmin[Pending]):
    """Facts that the recorder has not written down yet."""

    list_display = ("n", "kind", "subject", "ticket_ref", "at")
    list_filter = ("kind",)
    search_fields = ("subject", "ticket_ref")
    ordering = ("n",)


@admin.register(Check)
class CheckAdmin(admin.ModelAdmin[Check]):
    """What each walk over the chain found."""

    list_display = ("at", "to_seq", "whole", "findings")
    list_filter = ("whole",)
    ordering = ("-at",)
    sortable_by = ("at",)


@admin.register(Work)
class WorkAdmin(admin.ModelAdmin[Work]):
    """Durable work of every kind."""

    list_display = (
        "kind", "subject", "queue", "state", "attempts", "holder", "created_at", "settled_at",
    )  # fmt: skip
    list_filter = ("kind", "state", "queue")
    search_fields = ("subject", "dedup", "holder")
    ordering = ("-created_at",)
    sortable_by = ("created_at",)


@admin.register(Heartbeat)
class HeartbeatAdmin(admin.ModelAdmin[Heartbeat]):
    """When each process last said that it lives."""

    list_display = ("name", "at")
    ordering = ("name",)
