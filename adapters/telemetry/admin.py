"""The telemetry on the desk: whose keys, who watches, what was seen."""

from django.contrib import admin

from adapters.telemetry.models import DeadLetter, Key, Observer, QueryLog, Result, Use


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


@admin.register(QueryLog)
class QueryLogAdmin(admin.ModelAdmin[QueryLog]):
    """What osquery finds on hosts, and how far it was read."""

    list_display = ("name", "path", "read_at", "unread", "unplaced", "lost_at", "fault", "retired")
    list_filter = ("retired",)
    ordering = ("name",)


@admin.register(Result)
class ResultAdmin(admin.ModelAdmin[Result]):
    """What queries brought, lost or found on CIs, newest first."""

    list_display = ("at", "ci", "query", "action", "counter", "whole")
    list_filter = ("action", "whole")
    search_fields = ("ci", "query")
    ordering = ("-seen_at",)
