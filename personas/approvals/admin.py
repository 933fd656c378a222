"""Approvals on the desk: what waits and what was decided, what was kept, what runs have read."""

from django.contrib import admin

from personas.approvals.models import Approval, RunPlan, Taint, Tree


@admin.register(Approval)
class ApprovalAdmin(admin.ModelAdmin[Approval]):
    """Proposals, newest first; each has a page of the desk's own, where it is decided."""

    list_display = (
        "__str__", "ticket_ref", "kind", "change_class", "state", "approver", "factor",
        "independent", "proposed_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "change_class", "independent")
    search_fields = ("ticket_ref", "entry", "target", "approver")
    ordering = ("-proposed_at",)
    sortable_by = ("proposed_at",)


@admin.register(Tree)
class TreeAdmin(admin.ModelAdmin[Tree]):
    """Files behind hashes."""

    list_display = ("entry", "tree_hash", "before", "loaded_at")
    list_filter = ("entry",)
    ordering = ("-loaded_at",)


@admin.register(RunPlan)
class RunPlanAdmin(admin.ModelAdmin[RunPlan]):
    """What was fixed for each run before it read anything."""

    list_display = ("run", "digest", "fixed_at")
    list_select_related = ("run",)
    ordering = ("-fixed_at",)


@admin.register(Taint)
class TaintAdmin(admin.ModelAdmin[Taint]):
    """What runs have read from others."""

    list_display = ("run", "source", "trust", "at")
    list_filter = ("trust",)
    list_select_related = ("run",)
    ordering = ("-at",)
    sortable_by = ("at",)
