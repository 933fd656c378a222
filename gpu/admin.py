"""The queue on the desk: slots, cards, requests and their pieces of time; files declare the first.

What was asked and answered is not shown: it belongs to those who asked. The ledger has its hashes.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList

from gpu.models import Card, Client, Job, Piece, Slot


@admin.register(Slot)
class SlotAdmin(admin.ModelAdmin[Slot]):
    """Models with their one set of options."""

    list_display = ("name", "model", "kind", "vram_mb", "context", "enabled", "fault")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "model")
    ordering = ("name",)


@admin.register(Card)
class CardAdmin(admin.ModelAdmin[Card]):
    """GPUs, each behind one server."""

    list_display = ("name", "url", "enabled", "doing", "doing_slot", "doing_since", "fault")
    list_filter = ("enabled", "doing")
    ordering = ("position", "name")


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin[Client]):
    """Keys of the proxy; they are shown once, when a command makes them."""

    list_display = ("name", "tier", "max_waiting", "enabled", "made_at", "last_seen_at")
    list_filter = ("tier", "enabled")
    search_fields = ("name",)
    fields = ("name", "tier", "slots", "max_waiting", "enabled", "made_at", "last_seen_at")
    ordering = ("name",)


class Cards(admin.AllValuesFieldListFilter):
    """Cards by name; what was on no card has a name, too."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield each card, and none."""
        for one in super().choices(changelist):
            yield {**one, "display": one["display"] or "no card"}


@admin.register(Job)
class JobAdmin(admin.ModelAdmin[Job]):
    """Requests, newest first, with what each cost."""

    list_display = (
        "short", "tier", "slot", "state", "principal", "ticket_ref", "waited", "tokens_out",
        "preemptions", "created_at",
    )  # fmt: skip
    list_filter = ("tier", "slot", "kind", ("card", Cards))
    search_fields = ("ticket_ref", "principal", "client", "label")
    list_select_related = ("id",)
    ordering = ("-created_at",)
    sortable_by = ("created_at", "waited", "tokens_out")
    exclude = ("request", "partial", "answer")

    @admin.display(description="Request")
    def short(self, one: Job) -> str:
        """The first four digits."""
        return str(one.pk)[:4]

    @admin.display(description="State")
    def state(self, one: Job) -> str:
        """Where its work stands."""
        return one.id.state

    @admin.display(description="Waited", ordering="wait_s", empty_value="")
    def waited(self, one: Job) -> str | None:
        """From its arrival to its first start."""
        return None if one.wait_s is None else f"{one.wait_s:.1f} s"


@admin.register(Piece)
class PieceAdmin(admin.ModelAdmin[Piece]):
    """How the cards spent their time, newest first."""

    list_display = ("card", "kind", "tier", "slot", "ending", "tokens", "took", "began_at")
    list_filter = ("card", "kind", "tier", "ending")
    ordering = ("-began_at",)
    sortable_by = ("began_at",)

    @admin.display(description="Took")
    def took(self, one: Piece) -> str:
        """How long it was."""
        return f"{(one.ended_at - one.began_at).total_seconds():.1f} s"
