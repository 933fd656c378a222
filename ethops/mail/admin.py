"""Letters at the desk: from whom, what became of each; their bytes are not shown."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ethops.mail.models import Letter


@admin.register(Letter)
class LetterAdmin(admin.ModelAdmin[Letter]):
    """Letters, newest first."""

    list_display = ("received_at", "sender", "state", "ticket_ref", "reason", "size", "repeats")
    list_filter = ("state",)
    search_fields = ("sender", "message_id", "ticket_ref")
    fields = (
        "received_at", "sender", "envelope_from", "message_id", "state", "reason", "ticket_ref",
        "size", "digest", "repeats",
    )  # fmt: skip
    ordering = ("-received_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        """Leave the bytes where they are."""
        return super().get_queryset(request).defer("raw")
