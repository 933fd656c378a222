"""The desk: Django's admin site with our frame, our pages, and evidence that nobody can edit."""

from collections.abc import Callable
from typing import Any, TypeAlias

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, re_path
from django.utils.safestring import SafeString

from ethops.logins import coming
from ethops.logins.form import LoginForm
from ethops.pages import (
    action,
    agents,
    approval,
    autonomy,
    card,
    ci,
    columns,
    doors,
    figures,
    filing,
    gpu,
    gpu_keys,
    handover,
    ledger,
    ledger_entry,
    levels,
    memory,
    now,
    proposals,
    pull,
    queue,
    run,
    safeguards,
    stop,
    ticket,
    together,
)
from ethops.pages.frame import frame
from ethops.sla import queries
from ethops.world.late import LatePaginator

EDITABLE_APPS = frozenset({"auth", "authtoken", "django_celery_beat"})
"""People, their tokens, and schedules; every other row is evidence or is declared in files."""

EDITABLE = frozenset(
    {
        *("sla.calendar", "sla.service", "sla.target", "notify.contact", "notify.rule"),
        *("desk.maintenancewindow", "desk.eventpolicy"),
    }
)
"""What people promise to each other and say of alerts; their own forms say who changes what."""


OwnView: TypeAlias = Callable[..., HttpResponse]


class Sealed(admin.ModelAdmin[Model]):
    """Rows that everybody at the desk may look at and nobody changes, by whatever address."""

    actions = None
    paginator = LatePaginator
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "desk/row.html"

    def get_paginator(self, request: HttpRequest, *args: Any, **how: Any) -> Any:
        """Count no more of what is searched for than a list that says so shows (`most`)."""
        found: Any = super().get_paginator(request, *args, **how)
        if request.GET.get(SEARCH_VAR):
            found.most = getattr(self, "most", None)
        return found

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show times, tickets and states as the desk does."""
        return [columns.shown(self.model, name) for name in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Show them on a row's own page, too."""
        names = super().get_fields(request, obj)
        return [columns.detailed(self.model, str(name)) for name in names]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Link what the room's own list links, else its first column."""
        del request
        return self.list_display_links or [list_display[0]]

    def has_module_permission(self, *_: object) -> bool:
        """Everybody at the desk may look."""
        return True

    def has_view_permission(self, *_: object, **__: object) -> bool:
        """Everybody at the desk may look."""
        return True

    def has_add_permission(self, *_: object) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, *_: object, **__: object) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        """Nobody deletes."""
        return False


class Timed(Sealed):
    """Tickets with what is left of the time that was promised: one query for a page of them."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show it before when the ticket was opened."""
        columns_ = super().get_list_display(request)
        return [*columns_[:-1], "time_left", columns_[-1]]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Bring the clocks of the page's tickets along."""
        found = super().get_changelist_instance(request)
        clocks = queries.of_tickets([one.ref for one in found.result_list])
        for one in found.result_list:
            one.clocks = clocks.get(one.ref, [])
        return found

    @admin.display(description="Time left")
    def time_left(self, one: Any) -> SafeString | str:
        """Return the clock to look at."""
        state = levels.left(one.clocks)
        return columns.stated(state) if state else ""


class Said(Sealed):
    """CIs follow from what is said of them; from here one goes to say something."""

    change_form_template = "desk/ci_row.html"
    change_list_template = "desk/ci_list.html"


SHOWN_WITH: dict[str, type[Sealed]] = {"tickets.ticket": Timed, "cmdb.ci": Said}
"""Kinds of rows to whose lists the desk adds something."""


class DeskSite(AdminSite):
    """One site for everything; its index is Now."""

    site_header = "ethops"
    site_title = "ethops"
    login_form = LoginForm
    enable_nav_sidebar = False
    site_url = None
    empty_value_display = ""
    app_index_template = "desk/everything.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add what the frame shows; strangers at the login see none of it."""
        context = super().each_context(request)
        if context["has_permission"]:
            context["desk"] = frame(request)
        return context

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Put our pages before the admin's, four of them in the place of its forms."""
        ref = r"(?P<ref>[A-Z]{2,8}-[0-9]{1,12})"
        return [
            path("stop/", self.own(stop.shown), name="stop"),
            path("everything/", self.own(self.everything), name="everything"),
            path("everything/api/", self.own(doors.shown), name="doors"),
            path("now/live/", self.admin_view(now.live), name="now_live"),
            path("tickets/new/", self.own(filing.choice), name="file"),
            re_path(
                r"^tickets/new/(?P<what>incident|problem|change)/$",
                self.own(filing.ticket),
                name="file_class",
            ),
            re_path(
                r"^tickets/new/request/(?P<slug>[a-z0-9][a-z0-9._-]{0,63})/$",
                self.own(filing.item),
                name="file_request",
            ),
            re_path(rf"^tickets/{ref}/$", self.own(ticket.shown), name="ticket"),
            re_path(rf"^tickets/{ref}/live/$", self.admin_view(ticket.live), name="ticket_live"),
            re_path(
                rf"^tickets/{ref}/attachments/$", self.own(together.attach), name="attachments"
            ),
            re_path(
                rf"^tickets/{ref}/attachments/(?P<n>[0-9]{{1,9}})/$",
                self.admin_view(together.file),
                name="attachment",
            ),
            re_path(rf"^tickets/{ref}/review/$", self.own(together.shown_review), name="review"),
            path("agents/", self.own(agents.shown), name="agents"),
            path("agents/live/", self.admin_view(agents.live), name="agents_live"),
            path("queue/", self.own(queue.shown), name="queue"),
            path("queue/live/", self.admin_view(queue.live), name="queue_live"),
            path("handover/", self.own(handover.shown), name="handover"),
            path("memory/", self.own(memory.shown), name="memory"),
            path("figures/", self.own(figures.shown), name="figures"),
            path("gpu/", self.own(gpu.shown), name="gpu"),
            path("gpu/live/", self.admin_view(gpu.live), name="gpu_live"),
            path("gpu/keys/", self.own(gpu_keys.shown), name="gpu_keys"),
            path("autonomy/", self.own(autonomy.shown), name="autonomy"),
            re_path(
                r"^autonomy/breaker/(?P<to>open|closed)/$",
                self.own(autonomy.breaker),
                name="breaker",
            ),
            path("actions/<uuid:action_id>/verdict/", self.own(action.verdict), name="verdict"),
            path("ledger/", self.own(ledger.shown), name="ledger"),
            path("ledger/<int:seq>/", self.own(ledger_entry.shown), name="ledger_entry"),
            path("runs/<uuid:run_id>/", self.own(run.shown), name="run"),
            path("actions/<uuid:action_id>/", self.own(action.shown), name="action"),
            path("approvals/<uuid:action_id>/", self.own(approval.shown), name="approval"),
            path("pulls/", self.own(pull.all_shown), name="pulls"),
            path("pulls/<int:number>/", self.own(pull.shown), name="pull"),
            re_path(r"^cards/(?P<name>[a-z][a-z0-9_-]{0,59})/$", self.own(card.shown), name="card"),
            path("cmdb/ci/new/", self.own(ci.new), name="ci_new"),
            path("cmdb/ci/<str:ref>/edit/", self.own(ci.edit), name="ci_edit"),
            path("cmdb/proposals/", self.own(proposals.all_shown), name="proposals"),
            path("cmdb/proposals/<int:number>/", self.own(proposals.shown), name="proposal"),
            path("cmdb/proposal/<int:number>/change/", self.own(proposals.shown)),
            path("safeguards/", self.own(safeguards.all_shown), name="safeguards"),
            path("safeguards/<str:number>/", self.own(safeguards.shown), name="safeguard"),
            path("personas/card/<str:name>/change/", self.own(card.shown)),
            path("approvals/approval/<uuid:action_id>/change/", self.own(approval.shown)),
            path("tickets/ticket/<path:ref>/change/", self.own(ticket.shown)),
            path("audit/entry/<int:seq>/change/", self.own(ledger_entry.shown)),
            path("personas/run/<uuid:run_id>/change/", self.own(run.shown)),
            path("personas/action/<uuid:action_id>/change/", self.own(action.shown)),
            *super().get_urls(),
        ]

    def own(self, view: OwnView) -> Callable[..., HttpResponse]:
        """Let a page of ours in behind the site's login, with the frame it is drawn in."""

        def framed(request: HttpRequest, **place: Any) -> HttpResponse:
            return view(request, {**self.each_context(request), "own_page": True}, **place)

        return self.admin_view(framed)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the provider's login beside our own, where there is one."""
        return super().login(request, {**(extra_context or {}), **coming.button()})

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Log out; whoever came by a provider is told that its own login goes on."""
        came = coming.came_by_provider(request)
        return super().logout(request, {**(extra_context or {}), "by_provider": came})

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show Now."""
        del extra_context
        return now.shown(request, {**self.each_context(request), "own_page": True})

    def everything(self, request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
        """Show every list there is."""
        about = {**context, "title": "Everything", "app_list": self.get_app_list(request)}
        return TemplateResponse(request, "desk/everything.html", about)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the lists of one room."""
        return super().app_index(request, app_label, {**(extra_context or {}), "own_page": True})


def furnished(site: DeskSite) -> DeskSite:
    """Give the site every registered model, sealed unless people may edit its app."""
    for model in apps.get_models():
        if admin.site.is_registered(model) and not site.is_registered(model):
            kept = type(admin.site.get_model_admin(model))
            own = SHOWN_WITH.get(model._meta.label_lower, Sealed)  # noqa: SLF001 - documented
            sealed = type(kept.__name__, (own, kept), {})
            site.register(model, kept if editable(model) else sealed)
    return site


def editable(model: type[Model]) -> bool:
    """Tell whether people with the right may change rows of this kind."""
    facts = model._meta  # noqa: SLF001 - documented, in spite of its name
    return facts.app_label in EDITABLE_APPS or facts.label_lower in EDITABLE


desk = furnished(DeskSite(name="admin"))
