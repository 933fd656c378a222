"""Memory on the desk: items and their evidence; nobody edits them."""

from django.contrib import admin

from personas.memory.models import Evidence, Item


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin[Item]):
    """What is known."""

    list_display = ("kind", "subject", "ci_class", "alert", "created_at")
    list_filter = ("kind", "ci_class")
    search_fields = ("subject", "alert")
    ordering = ("kind", "ci_class", "alert", "subject")


@admin.register(Evidence)
class EvidenceAdmin(admin.ModelAdmin[Evidence]):
    """Which entry of the ledger shows it."""

    list_display = ("item", "held", "ticket_ref", "source_seq", "at")
    list_filter = ("held",)
    list_select_related = ("item",)
    search_fields = ("ticket_ref",)
    ordering = ("-at",)
