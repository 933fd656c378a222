"""Rows that a file may declare, at the desk: people change those that no file does, on record."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from audit.canonical import JSON


class DeclarableAdmin(admin.ModelAdmin[Any]):
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
        self.record(request, obj, "changed" if change else "added")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Take it away, on record."""
        self.record(request, obj, "removed")
        super().delete_model(request, obj)

    def record(self, request: HttpRequest, obj: models.Model, what: str) -> None:
        """Put on record who did what to it."""
        raise NotImplementedError


def subject(row: models.Model) -> str:
    """Return how the ledger calls a row."""
    return f"{row._meta.model_name} {row}"  # noqa: SLF001 - documented, in spite of its name


def held(row: models.Model) -> dict[str, JSON]:
    """Return what a row holds, as the ledger keeps it: what is no text, number or truth as text."""
    facts = row._meta  # noqa: SLF001 - documented, in spite of its name
    found = {one.name: getattr(row, one.name) for one in facts.concrete_fields}
    return {
        name: value if value is None or isinstance(value, str | int) else str(value)
        for name, value in found.items()
    }
