"""Agents on the desk: cards, rights, requests, runs, actions; files and commands change them."""

from django.contrib import admin
from django.utils import timezone

from personas.models import (
    Action,
    AgentIntent,
    Autonomy,
    Card,
    CatalogueEntry,
    Grant,
    Incarnation,
    Presence,
    Run,
    Step,
)


@admin.register(Card)
class CardAdmin(admin.ModelAdmin[Card]):
    """Who there is."""

    list_display = ("name", "title", "team", "enabled", "loaded_at")
    search_fields = ("name", "title", "purpose")
    ordering = ("name",)


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin[Grant]):
    """What each card may ask for."""

    list_display = ("card", "verb", "entry", "ci_class")
    list_filter = ("card", "verb", "entry")
    list_select_related = ("card",)
    ordering = ("card", "verb", "entry", "ci_class")


@admin.register(CatalogueEntry)
class CatalogueEntryAdmin(admin.ModelAdmin[CatalogueEntry]):
    """Pre-approved playbooks."""

    list_display = (
        "name", "title", "risk", "pinned", "owner", "review", "asked_first", "false_run", "origin",
        "max_per_ticket", "max_per_hour", "enabled",
    )  # fmt: skip
    list_filter = ("risk", "enabled")
    search_fields = ("name", "title")
    ordering = ("name",)

    @admin.display(description="Files")
    def pinned(self, one: CatalogueEntry) -> str:
        """Tell whether the files are those that were approved."""
        if not one.approved_hash:
            return "not approved"
        return "as approved" if one.tree_hash == one.approved_hash else "changed since approved"

    @admin.display(description="Owner")
    def owner(self, one: CatalogueEntry) -> str:
        """Who answers for it."""
        return str(one.document.get("owner", ""))

    @admin.display(description="Review by")
    def review(self, one: CatalogueEntry) -> str:
        """The day of its review, marked where that is over: then it is proposed at most."""
        day = str(one.document.get("review_by", ""))
        # Days written alike compare as they are.
        late = day and day < timezone.now().date().isoformat()
        return f"{day}: over, only proposed" if late else day

    @admin.display(description="Asked first")
    def asked_first(self, one: CatalogueEntry) -> str:
        """Who is asked where people or jobs are on the host."""
        asks = one.document.get("asks") or {}
        if asks.get("of"):
            return f"{asks.get('first')}, for {' and '.join(asks['of'])}"
        return "nobody"

    @admin.display(description="A false run costs")
    def false_run(self, one: CatalogueEntry) -> str:
        """What it costs to run it where it was not needed."""
        return str(one.document.get("false_run", ""))

    @admin.display(description="Origin")
    def origin(self, one: CatalogueEntry) -> str:
        """Where it came from, and at which commit."""
        origin = one.document.get("origin")
        if not origin:
            return "ethops"
        return f"{origin['repository']}@{origin['revision']} ({origin['commit'][:12]})"


@admin.register(Autonomy)
class AutonomyAdmin(admin.ModelAdmin[Autonomy]):
    """How far each card may go; `manage.py personas` changes it, with a name and a reason."""

    list_display = ("card", "entry", "ci_class", "level", "set_by", "why", "set_at")
    list_filter = ("level", "card", "entry")
    list_select_related = ("card",)
    ordering = ("card", "entry", "ci_class")


@admin.register(AgentIntent)
class AgentIntentAdmin(admin.ModelAdmin[AgentIntent]):
    """What runs were born from."""

    list_display = ("card", "ticket_ref", "priority", "joined", "scope", "created_at")
    list_filter = ("card", "joined")
    search_fields = ("ticket_ref",)
    list_select_related = ("card",)
    ordering = ("-created_at",)


@admin.register(Run)
class RunAdmin(admin.ModelAdmin[Run]):
    """Runs, newest first; each has a page of the desk's own."""

    list_display = (
        "short",
        "card",
        "ticket_ref",
        "state",
        "steps",
        "actions",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "card")
    search_fields = ("ticket_ref", "summary")
    list_select_related = ("card",)
    ordering = ("-created_at",)
    sortable_by = ("created_at",)

    @admin.display(description="Run")
    def short(self, one: Run) -> str:
        """The first four digits."""
        return str(one.id)[:4]


@admin.register(Step)
class StepAdmin(admin.ModelAdmin[Step]):
    """Steps of all runs, for searching."""

    list_display = ("run", "number", "kind", "choice", "next", "started_at", "ended_at")
    list_filter = ("next",)
    list_select_related = ("run",)
    ordering = ("-ended_at",)

    @admin.display(description="Asked")
    def kind(self, one: Step) -> str:
        """What kind of question it was."""
        return str(one.question.get("kind", "")) if isinstance(one.question, dict) else ""

    @admin.display(description="Answered")
    def choice(self, one: Step) -> str:
        """What was chosen."""
        return str(one.answer.get("choice", "")) if isinstance(one.answer, dict) else ""


@admin.register(Incarnation)
class IncarnationAdmin(admin.ModelAdmin[Incarnation]):
    """Who signed for runs: one worker process taking one step."""

    list_display = ("id", "run", "step", "signed", "holder", "born_at", "ended_at", "ending")
    list_filter = ("ending",)
    search_fields = ("id", "run__id", "holder")
    list_select_related = ("run",)
    ordering = ("-born_at",)
    sortable_by = ("born_at",)


@admin.register(Action)
class ActionAdmin(admin.ModelAdmin[Action]):
    """Actions, newest first; each has a page of the desk's own."""

    list_display = (
        "__str__", "ticket_ref", "verdict", "guard", "outcome", "entry_number", "decided_at",
    )  # fmt: skip
    list_filter = ("verdict", "outcome", "verb")
    search_fields = ("ticket_ref", "target", "entry", "guard", "principal")
    list_select_related = ("work",)
    ordering = ("-decided_at",)
    sortable_by = ("decided_at",)

    @admin.display(description="Entry", empty_value="")
    def entry_number(self, one: Action) -> str | None:
        """The ledger entry that stands before the act."""
        return f"#{one.work.entry_seq}" if one.work and one.work.entry_seq else None


@admin.register(Presence)
class PresenceAdmin(admin.ModelAdmin[Presence]):
    """Hosts on which somebody was, when something was to be done there."""

    list_display = ("host", "found", "asked", "ticket_ref", "seen_at")
    search_fields = ("host", "ticket_ref")
    ordering = ("-seen_at",)
