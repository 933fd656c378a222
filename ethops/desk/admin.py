"""Intake on the desk: who may deliver, what was delivered, what was decided about it."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ethops.desk.models import Delivery, Event, KeyUse, Occasion, Sender

LONGEST = 20_000


@admin.register(Sender)
class SenderAdmin(admin.ModelAdmin[Sender]):
    """Senders; their tokens are shown once, when a command makes them."""

    list_display = ("name", "enabled", "created_at")
    fields = ("name", "enabled", "created_at")
    ordering = ("name",)


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin[Delivery]):
    """Deliveries, newest first, with their bytes as text that can do nothing."""

    list_display = ("id", "sender", "state", "reason", "repeats", "received_at", "last_at")
    list_filter = ("state", "sender")
    search_fields = ("digest", "reason")
    ordering = ("-received_at",)
    sortable_by = ("received_at",)
    fields = (
        "sender", "state", "reason", "content_type", "digest", "repeats", "received_at", "last_at",
        "raw_text",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Delivery | None = None) -> list[str]:
        """Everything, the bytes among it."""
        del request, obj
        return [str(name) for name in self.fields or ()]

    @admin.display(description="As delivered")
    def raw_text(self, one: Delivery) -> SafeString:
        """The bytes as text: what is no printable character is written as an escape."""
        raw = bytes(one.raw)
        text = raw[:LONGEST].decode("utf-8", "backslashreplace")
        fit = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
        more = f"\n({len(raw) - LONGEST} more bytes)" if len(raw) > LONGEST else ""
        return format_html('<pre class="raw">{}{}</pre>', fit, more)


@admin.register(Event)
class EventAdmin(admin.ModelAdmin[Event]):
    """Events, newest first, with the decision about each."""

    list_display = ("__str__", "decision", "ticket_ref", "joined", "ci_ref", "repeats", "at")
    list_filter = ("decision", "status", "joined")
    search_fields = ("fingerprint", "ticket_ref", "ci_ref", "cause_key")
    ordering = ("-at",)
    sortable_by = ("at",)


@admin.register(Occasion)
class OccasionAdmin(admin.ModelAdmin[Occasion]):
    """Occasions of schedules."""

    list_display = ("schedule", "slot", "at")
    list_filter = ("schedule",)
    ordering = ("-at",)


@admin.register(KeyUse)
class KeyUseAdmin(admin.ModelAdmin[KeyUse]):
    """What the join of keys with permits said, newest first."""

    list_display = ("at", "subject", "verdict", "host", "happened_at", "permit", "ticket_ref")
    list_filter = ("verdict", "host")
    search_fields = ("subject", "ticket_ref")
    ordering = ("-at",)
