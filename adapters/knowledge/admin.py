"""The index of the knowledge base on the desk, to look at."""

from django.contrib import admin

from adapters.knowledge.models import Chunk, Document, Fault, Index, VectorModel


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin[Document]):
    """What was merged and has no fault."""

    list_display = ("ref", "title", "kind", "owner", "review_due", "path")
    list_filter = ("kind",)
    search_fields = ("ref", "title", "path")
    ordering = ("ref",)


@admin.register(Chunk)
class ChunkAdmin(admin.ModelAdmin[Chunk]):
    """What can be found of it, line by line."""

    list_display = ("document", "place", "about", "first_line", "last_line")
    search_fields = ("about",)
    list_select_related = ("document",)
    ordering = ("document", "place")


@admin.register(Fault)
class FaultAdmin(admin.ModelAdmin[Fault]):
    """What is left out, and why."""

    list_display = ("path", "line", "what", "mend")
    search_fields = ("path",)
    ordering = ("path", "line")


@admin.register(Index)
class IndexAdmin(admin.ModelAdmin[Index]):
    """Where the index stands."""

    list_display = ("commit", "indexed_at", "looked_at", "busy_until")
    ordering = ("pk",)


@admin.register(VectorModel)
class VectorModelAdmin(admin.ModelAdmin[VectorModel]):
    """Whose vectors there are."""

    list_display = ("digest", "numbers")
    ordering = ("digest",)
