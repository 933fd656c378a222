"""The record on the desk: entries, what waits to be one, durable work, heartbeats."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import Acknowledgement, BreakGlass, Check, Entry, Heartbeat, Pending, Value, Work


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


@admin.register(BreakGlass)
class BreakGlassAdmin(admin.ModelAdmin[BreakGlass]):
    """What people did past the ledger, and whether somebody else has looked."""

    list_display = (
        "claimed_at", "who", "what", "ticket_ref", "acknowledged_by", "independent", "recorded_at",
    )  # fmt: skip
    list_filter = ("independent", "single_operator")
    search_fields = ("who", "what", "ticket_ref")
    ordering = ("-claimed_at",)
    sortable_by = ("claimed_at",)


@admin.register(Acknowledgement)
class AcknowledgementAdmin(admin.ModelAdmin[Acknowledgement]):
    """Who knew of damage of the ledger, and of which."""

    list_display = ("at", "by", "why", "findings")
    search_fields = ("by", "why")
    ordering = ("-at",)
    sortable_by = ("at",)


@admin.register(Value)
class ValueAdmin(admin.ModelAdmin[Value]):
    """Values beside the ledger, by their commitments."""

    list_display = ("digest", "about", "at", "emptied_at")
    fields = ("digest", "about", "at", "emptied_at")
    search_fields = ("digest", "about")
    ordering = ("-at",)
    sortable_by = ("at",)
