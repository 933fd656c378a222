"""Intake on the desk: who may deliver, what was decided about it, and what people say of it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.ledger import pending
from ethops.desk import maintenance
from ethops.desk.models import (
    Delivery,
    Event,
    EventPolicy,
    Flapping,
    KeyUse,
    MaintenanceWindow,
    Occasion,
    Sender,
    Storm,
)
from ethops.desk.window_form import WindowForm

LONGEST = 20_000


@admin.register(Sender)
class SenderAdmin(admin.ModelAdmin[Sender]):
    """Senders; their tokens are shown once, when a command makes them."""

    list_display = ("name", "enabled", "silent_after_s", "watchdog", "created_at")
    fields = ("name", "enabled", "silent_after_s", "watchdog", "created_at")
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
    list_filter = ("decision", "meaning", "status", "joined")
    search_fields = ("fingerprint", "ticket_ref", "ci_ref", "cause_key")
    ordering = ("-at",)
    sortable_by = ("at",)


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(admin.ModelAdmin[MaintenanceWindow]):
    """Windows, the last to end first: declared here, ended early here, never changed."""

    form = WindowForm
    actions = ("end_now",)
    list_display = ("__str__", "about", "begins_at", "ends_at", "held", "declared_by", "why")
    search_fields = ("why", "declared_by")
    ordering = ("-ends_at",)

    @admin.display(description="About")
    def about(self, one: MaintenanceWindow) -> str:
        """Say what it covers."""
        if one.everything:
            return "everything"
        return ", ".join(one.cis) or ", ".join(f"{n}={v}" for n, v in one.group.items())

    @admin.display(description="Held back")
    def held(self, one: MaintenanceWindow) -> int:
        """Count the alerts that it has held back."""
        return one.events.count()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody at the desk may look."""
        del request, obj
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody at the desk may look."""
        del request
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes what was declared."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody takes it away."""
        del request, obj
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: Any) -> None:
        """Declare it in a person's name, on record."""
        del change
        said = form.cleaned_data
        row = maintenance.declare(person=request.user.get_username(), **said)
        obj.pk = row.pk

    @admin.action(description="End the chosen windows now", permissions=["add"])
    def end_now(self, request: HttpRequest, chosen: QuerySet[MaintenanceWindow]) -> None:
        """End windows early in a person's name, on record."""
        person = request.user.get_username()
        ended = sum(maintenance.end(window_id=one.pk, person=person) for one in chosen)
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)


@admin.register(EventPolicy)
class EventPolicyAdmin(admin.ModelAdmin[EventPolicy]):
    """The numbers of event management, which who has the right changes on record."""

    list_display = (
        *("__str__", "reopen_s", "relate_s", "storm_causes", "settle_s"),
        *("flap_changes", "flap_window_s", "flap_calm_s"),
    )
    actions = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody at the desk may look."""
        del request, obj
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody at the desk may look."""
        del request
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one row."""
        del request
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """There is one row."""
        del request, obj
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: Any) -> None:
        """Keep them, on record."""
        super().save_model(request, obj, form, change)
        numbers = {name: form.cleaned_data[name] for name in form.fields}
        pending.note(
            kind="person.set_events",
            subject="numbers of event management",
            body={"person": request.user.get_username(), "is": numbers},
        )


@admin.register(Flapping)
class FlappingAdmin(admin.ModelAdmin[Flapping]):
    """Causes that come and go, or did."""

    list_display = ("cause_key", "ticket_ref", "since", "until")
    search_fields = ("cause_key", "ticket_ref")
    ordering = ("-since",)


@admin.register(Storm)
class StormAdmin(admin.ModelAdmin[Storm]):
    """Storms of alerts."""

    list_display = ("ticket_ref", "began_at", "settled_at")
    ordering = ("-began_at",)


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
