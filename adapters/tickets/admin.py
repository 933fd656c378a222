"""Tickets on the desk: a list to work from; one ticket has a page of the desk's own."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from adapters.tickets.models import LogLine, Ticket
from adapters.tickets.states import SETTLED


class Shown(admin.SimpleListFilter):
    """Open tickets unless somebody asks for others."""

    title = "standing"
    parameter_name = "show"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Name the ways to look."""
        del request, model_admin
        return [
            ("mine", "Mine"),
            ("waits", "Waits for a person"),
            ("settled", "Settled"),
            ("all", "All"),
        ]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Offer what is open first, as the default."""
        for value, title in [(None, "Open"), *self.lookup_choices]:
            query = (
                changelist.get_query_string(remove=[self.parameter_name])
                if value is None
                else changelist.get_query_string({self.parameter_name: value})
            )
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """Keep what was asked for."""
        shown = self.value()
        if shown == "all":
            return queryset
        if shown == "settled":
            return queryset.filter(state__in=SETTLED)
        if shown == "waits":
            return queryset.filter(state="escalated")
        unsettled = queryset.exclude(state__in=SETTLED)
        return (
            unsettled.filter(assignee=request.user.get_username()) if shown == "mine" else unsettled
        )


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin[Ticket]):
    """Most urgent first."""

    list_display = ("rank", "ref", "title", "state", "ci", "who", "opened")
    list_display_links = ("ref",)
    list_filter = (Shown, "ticket_class", "priority")
    search_fields = ("ref", "title", "cis__ci_ref", "assignee", "cause_key")
    ordering = ("priority", "opened_at")
    sortable_by = ("rank", "ref", "opened")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        """Bring the CIs along."""
        return super().get_queryset(request).prefetch_related("cis")

    @admin.display(description="Priority", ordering="priority")
    def rank(self, one: Ticket) -> SafeString:
        """Mark the priority by fill, and print it."""
        return format_html('<span class="pri {}">{}</span>', one.priority.lower(), one.priority)

    @admin.display(description="CI")
    def ci(self, one: Ticket) -> str:
        """Name its CIs."""
        return ", ".join(link.ci_ref for link in one.cis.all()) or "not joined"

    @admin.display(description="Who")
    def who(self, one: Ticket) -> str:
        """Name the person, else the team."""
        return one.assignee or one.team or "nobody"

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, one: Ticket) -> str:
        """Day and minute, short."""
        return f"{one.opened_at.astimezone(UTC):%-d %b %H:%M}"


@admin.register(LogLine)
class LogLineAdmin(admin.ModelAdmin[LogLine]):
    """Lines of all worklogs, for searching."""

    list_display = ("ticket_id", "n", "at", "author", "author_kind", "visibility", "text")
    list_filter = ("author_kind", "visibility", "tainted")
    search_fields = ("ticket__ref", "author", "text")
    ordering = ("-at",)
