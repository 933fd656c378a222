"""The telemetry on the desk: whose keys, who watches, what was seen."""

from django.contrib import admin

from adapters.telemetry.models import DeadLetter, Key, Observer, Use


@admin.register(Key)
class KeyAdmin(admin.ModelAdmin[Key]):
    """Ethops's own keys."""

    list_display = ("name", "fingerprint", "accounts", "addresses", "authority", "retired_at")
    ordering = ("name",)


@admin.register(Observer)
class ObserverAdmin(admin.ModelAdmin[Observer]):
    """Who watches which host, and how far he has come."""

    list_display = ("host", "source", "read_at", "heard_until", "gap_until", "clock_off_at",
                    "fault", "retired")  # fmt: skip
    list_filter = ("source", "retired")
    ordering = ("host",)


@admin.register(Use)
class UseAdmin(admin.ModelAdmin[Use]):
    """What was seen of keys and accounts, newest first."""

    list_display = ("at", "host", "kind", "account", "granted", "address", "command", "ended_at")
    list_filter = ("kind", "granted", "host")
    search_fields = ("account", "fingerprint", "address", "command")
    ordering = ("-at",)


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin[DeadLetter]):
    """What came over the bus and could not be used, newest first."""

    list_display = ("at", "routing_key", "why", "size")
    search_fields = ("routing_key", "why")
    ordering = ("-at",)
