"""Tickets on the desk: a list to work from; one ticket has a page of the desk's own."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from adapters.tickets import finding
from adapters.tickets.models import LogLine, RequestModel, Ticket
from adapters.tickets.states import CAREFUL, SETTLED, WAITING

WORDS = (
    "Each word may be the beginning of one; all of them must be there."
    f" At most {finding.MOST:,} are shown."
)


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
            ("asked", "Asked by me"),
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
            careful = Q(state="planned", change__change_type__in=CAREFUL)
            return queryset.filter(Q(state__in=WAITING) | careful)
        if shown == "asked":
            return queryset.filter(requester=request.user.get_username())
        unsettled = queryset.exclude(state__in=SETTLED)
        return (
            unsettled.filter(assignee=request.user.get_username()) if shown == "mine" else unsettled
        )


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin[Ticket]):
    """Most urgent first."""

    list_display = ("rank", "ref", "title", "state", "about", "ci", "who", "opened")
    list_display_links = ("ref",)
    list_filter = (Shown, "ticket_class", "priority")
    search_fields = ("ref", "title", "cis__ci_ref", "assignee", "requester", "cause_key")
    search_help_text = WORDS
    most = finding.MOST
    ordering = ("priority", "opened_at", "ref")
    sortable_by = ("rank", "ref", "opened")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        """Bring along the CIs, and what only a class has."""
        found = super().get_queryset(request).select_related("problem", "change", "request__model")
        return found.prefetch_related("cis")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        """Find them by the index of their words."""
        del request
        return finding.tickets(queryset, search_term), False

    @admin.display(description="Priority", ordering="priority")
    def rank(self, one: Ticket) -> SafeString:
        """Mark the priority by fill, and print it."""
        return format_html('<span class="pri {}">{}</span>', one.priority.lower(), one.priority)

    @admin.display(description="Kind")
    def about(self, one: Ticket) -> str:
        """Say what only its class has, in a word or two."""
        if one.ticket_class == "problem":
            return "problem, known error" if one.problem.known_error else "problem"
        if one.ticket_class == "change":
            begins = one.change.planned_start
            window = f", {begins.astimezone(UTC):%-d %b %H:%M}" if begins else ""
            return f"{one.change.change_type} change{window}"
        if one.ticket_class == "request":
            return f"request of {one.requester}" if one.requester else "request"
        return f"incident, opened {one.reopens + 1} times" if one.reopens else "incident"

    @admin.display(description="CI")
    def ci(self, one: Ticket) -> str:
        """Name its CIs."""
        named = ", ".join(link.ci_ref for link in one.cis.all())
        return named or ("not joined" if one.ticket_class == "incident" else "")

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
    search_help_text = WORDS
    most = finding.MOST
    ordering = ("-at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LogLine], search_term: str
    ) -> tuple[QuerySet[LogLine], bool]:
        """Find them by the index of their words."""
        del request
        return finding.lines(queryset, search_term), False


@admin.register(RequestModel)
class RequestModelAdmin(admin.ModelAdmin[RequestModel]):
    """The service catalogue, as the site file declares it."""

    list_display = ("title", "slug", "service", "team", "approver_role", "retired")
    list_filter = ("retired", "service")
    search_fields = ("slug", "title", "description")
