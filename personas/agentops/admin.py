"""Operations of agents on the desk: events, requests, findings; nobody edits them."""

from django.contrib import admin

from personas.agentops.models import AgentEvent, Finding, Request


@admin.register(AgentEvent)
class AgentEventAdmin(admin.ModelAdmin[AgentEvent]):
    """Ended runs, newest first."""

    list_display = (
        *("agent_role", "job_id", "state", "limit_hit", "tool_call_count"),
        *("checkpoint_count", "retry_count", "ended_at"),
    )
    list_filter = ("agent_role", "state", "limit_hit")
    search_fields = ("job_id",)
    ordering = ("-ended_at",)
    sortable_by = ("ended_at",)


@admin.register(Request)
class RequestAdmin(admin.ModelAdmin[Request]):
    """Who asked for runs, in which words."""

    list_display = ("principal", "prompt", "max_duration_s", "queue_position", "created_at")
    search_fields = ("principal", "prompt")
    ordering = ("-created_at",)


@admin.register(Finding)
class FindingAdmin(admin.ModelAdmin[Finding]):
    """What detectors found, and what was done."""

    list_display = ("kind", "ticket_ref", "card", "said", "at")
    list_filter = ("kind", "card")
    search_fields = ("ticket_ref", "said")
    ordering = ("-at",)
