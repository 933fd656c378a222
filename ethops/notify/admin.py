"""Notices at the desk: people change contacts and rules that no file declares, on record."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from audit.ledger import pending
from ethops.notify.forms import ContactForm, RuleForm
from ethops.notify.models import Contact, Notice, Rule


class Own(admin.ModelAdmin[Any]):
    """Rows of the desk; those of the site file are looked at, and change there."""

    actions = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody at the desk may look."""
        del request, obj
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody at the desk may look."""
        del request
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who has the right changes what no file declares."""
        declared = obj is not None and obj.declared
        return not declared and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who has the right takes away what no file declares."""
        declared = obj is not None and obj.declared
        return not declared and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: Any
    ) -> None:
        """Keep it, on record."""
        super().save_model(request, obj, form, change)
        self._note(request, obj, "changed" if change else "added")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Take it away, on record."""
        self._note(request, obj, "removed")
        super().delete_model(request, obj)

    def _note(self, request: HttpRequest, obj: Any, what: str) -> None:
        facts = obj._meta  # noqa: SLF001 - documented, in spite of its name
        held = {one.name: getattr(obj, one.name) for one in facts.concrete_fields}
        pending.note(
            kind="person.set_notices",
            subject=f"{facts.model_name} {obj}",
            body={
                "person": request.user.get_username(),
                "what": what,
                "is": {
                    name: value if isinstance(value, str | bool | int) else str(value or "")
                    for name, value in held.items()
                },
            },
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
