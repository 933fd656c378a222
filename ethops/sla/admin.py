"""Promises at the desk: people change those that are not declared in files, on record."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models as orm
from django.http import HttpRequest

from audit.ledger import pending
from ethops.declarable import DeclarableAdmin, held, subject
from ethops.sla.forms import CalendarForm, ServiceForm, TargetForm
from ethops.sla.loading import promise_again
from ethops.sla.models import Calendar, Followed, Service, Stopwatch, Target, Terms
from ethops.sla.words import exactly


class Promised(DeclarableAdmin):
    """What is promised: what runs goes by a change at once."""

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: Any
    ) -> None:
        """Keep it, and have what runs go by it."""
        super().save_model(request, obj, form, change)
        promise_again()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Take it away, and have what runs go by that."""
        super().delete_model(request, obj)
        promise_again()

    def record(self, request: HttpRequest, obj: orm.Model, what: str) -> None:
        """Record who promised what."""
        pending.note(
            kind="person.promised",
            subject=subject(obj),
            body={"person": request.user.get_username(), "what": what, "is": held(obj)},
        )


@admin.register(Calendar)
class CalendarAdmin(Promised):
    """When time counts."""

    form = CalendarForm
    list_display = ("name", "zone", "monday", "friday", "sunday", "free_days", "where")

    @admin.display(description="Holidays")
    def free_days(self, one: Calendar) -> int:
        """Count them."""
        return len(one.holidays.split("\n")) if one.holidays else 0

    @admin.display(description="Made in")
    def where(self, one: Calendar) -> str:
        """Say where it changes."""
        return made_in(one)


@admin.register(Service)
class ServiceAdmin(Promised):
    """What people rely on."""

    form = ServiceForm
    list_display = ("slug", "name", "count", "where")

    @admin.display(description="CIs")
    def count(self, one: Service) -> int:
        """Count them."""
        return len(one.cis.split())

    @admin.display(description="Made in")
    def where(self, one: Service) -> str:
        """Say where it changes."""
        return made_in(one)


@admin.register(Target)
class TargetAdmin(Promised):
    """Within which time a ticket has somebody, and is resolved."""

    form = TargetForm
    list_display = (*("__str__", "own", "solve", "calendar", "warn", "breach", "where"),)
    list_select_related = ("service", "calendar")
    list_filter = ("ticket_class", "priority")

    @admin.display(description="Time to own")
    def own(self, one: Target) -> str:
        """Write it as people do."""
        return exactly(one.tto_s) if one.tto_s else ""

    @admin.display(description="Time to resolve")
    def solve(self, one: Target) -> str:
        """Write it as people do."""
        return exactly(one.ttr_s) if one.ttr_s else ""

    @admin.display(description="Made in")
    def where(self, one: Target) -> str:
        """Say where it changes."""
        return made_in(one)


@admin.register(Stopwatch)
class StopwatchAdmin(admin.ModelAdmin[Stopwatch]):
    """What each clock shows; derived, so nobody edits it."""

    list_display = (
        *("ticket_ref", "kind", "priority", "phase", "used_s", "target_s", "due_at"),
        *("warn_told", "breach_told"),
    )
    list_filter = ("phase", "kind", "priority")
    search_fields = ("ticket_ref",)
    ordering = ("-since",)


@admin.register(Followed)
class FollowedAdmin(admin.ModelAdmin[Followed]):
    """Tickets whose clocks are derived."""

    list_display = ("ticket_ref", "is_open", "stale", "derived_at")
    list_filter = ("is_open", "stale")
    ordering = ("-derived_at",)


@admin.register(Terms)
class TermsAdmin(admin.ModelAdmin[Terms]):
    """What was promised, word for word."""

    list_display = ("digest", "at")
    ordering = ("-at",)


def made_in(one: Any) -> str:
    """Say where a promise was made, and changes."""
    return "the site file" if one.declared else "the desk"
