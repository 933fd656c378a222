"""Notices at the desk: people change contacts and rules that no file declares, on record."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from audit.ledger import pending
from ethops.declarable import DeclarableAdmin, held, subject
from ethops.notify.forms import ContactForm, RuleForm
from ethops.notify.models import Contact, Notice, Rule


class Own(DeclarableAdmin):
    """Who is told, and of what."""

    def record(self, request: HttpRequest, obj: models.Model, what: str) -> None:
        """Record who set what."""
        pending.note(
            kind="person.set_notices",
            subject=subject(obj),
            body={"person": request.user.get_username(), "what": what, "is": held(obj)},
        )


@admin.register(Contact)
class ContactAdmin(Own):
    """Whom we can reach, and how."""

    form = ContactForm
    list_display = ("name", "kind", "target", "zone", "quiet_from", "quiet_to", "declared")
    search_fields = ("name", "target")


@admin.register(Rule)
class RuleAdmin(Own):
    """Who is told of what."""

    form = RuleForm
    list_display = ("name", "enabled", "occasion", "priorities", "states", "whom", "contact")
    list_filter = ("enabled", "occasion", "whom")


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin[Notice]):
    """What people were told, newest first."""

    list_display = ("made_at", "title", "to", "told", "next_at", "acknowledged_by")
    list_filter = ("rule", "kind")
    search_fields = ("ticket_ref", "to", "title")
    fields = (
        "title", "text", "rule", "ticket_ref", "to", "kind", "target", "priority", "made_at",
        "told", "next_at", "until_acknowledged", "acknowledged_at", "acknowledged_by",
    )  # fmt: skip
    ordering = ("-made_at",)
