"""The CMDB on the desk: its rows are evidence of what sources say, and are looked at here."""

import json

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from adapters.cmdb import queries
from adapters.cmdb.models import (
    CI,
    Claim,
    HistoryMark,
    Host,
    JoinRule,
    Known,
    KnownLink,
    Proposal,
    Relation,
    Synced,
)
from adapters.cmdb.precedence import ATTRIBUTE, EXISTS, Stand
from adapters.cmdb.precedence import Claim as Word

SHOWN = {
    EXISTS: "is there",
    "name": "name",
    "ci_class": "class",
    "impact": "impact",
    "urgency": "urgency",
    "user_facing": "user facing",
    "lifeline": "lifeline",
    "host": "host",
}
"""Fields of a CI as people call them; attributes have their own names."""


@admin.register(CI)
class CIAdmin(admin.ModelAdmin[CI]):
    """What there is, and what nobody may act on without a person."""

    list_display = ("ref", "name", "ci_class", "impact", "lifeline", "inventory_host", "retired")
    list_filter = ("ci_class", "lifeline", "user_facing", "retired", "source")
    search_fields = ("ref", "name", "ci_class")
    list_select_related = ("inventory_host",)
    ordering = ("ref",)
    fields = (
        *("ref", "name", "ci_class", "impact", "urgency", "user_facing", "lifeline"),
        *("inventory_host", "attributes", "source", "managed_by", "retired", "whose_word"),
    )

    @admin.display(description="Whose word")
    def whose_word(self, one: CI) -> SafeString:
        """Show for each field what counts, who says so since when, and what the others say."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (_field(stand) if number == 0 else "", _value(word), _said_by(word))
                for stand in queries.stands_of(one.ref)
                if stand.field in SHOWN or stand.field.startswith(ATTRIBUTE)
                for number, word in enumerate((stand.counts, *stand.besides))
            ),
        )
        return format_html(
            '<table class="breaks"><thead><tr><th>Field</th><th>What counts, then what others say'
            "</th><th>Said by</th></tr></thead><tbody>{}</tbody></table>",
            rows,
        )


def _field(stand: Stand) -> str:
    name = SHOWN.get(stand.field, stand.field.removeprefix(ATTRIBUTE))
    return name if stand.held else f"{name} (shown only)"


def _value(word: Word) -> str:
    text = json.dumps(word.value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _said_by(word: Word) -> SafeString:
    since = f"{word.since:%Y-%m-%d %H:%M}"
    return format_html('{}<br><span class="quiet">since {}</span>', word.source, since)


@admin.register(Claim)
class ClaimAdmin(admin.ModelAdmin[Claim]):
    """What each of the owner's sources says of each field of a CI."""

    list_display = ("ref", "field", "value", "source", "since")
    list_filter = ("source",)
    search_fields = ("ref", "field")
    ordering = ("ref", "field", "source")


@admin.register(Host)
class HostAdmin(admin.ModelAdmin[Host]):
    """Where playbooks run."""

    list_display = ("name", "connection", "address", "user", "port", "source", "retired")
    list_filter = ("connection", "retired")
    search_fields = ("name", "address")
    ordering = ("name",)


@admin.register(JoinRule)
class JoinRuleAdmin(admin.ModelAdmin[JoinRule]):
    """How an alert finds its CI, in order."""

    list_display = ("ordinal", "name", "conditions", "source")
    list_display_links = ("name",)
    ordering = ("ordinal",)


@admin.register(Relation)
class RelationAdmin(admin.ModelAdmin[Relation]):
    """What stands on what, as declared."""

    list_display = ("dependent", "kind", "support", "source", "confidence", "seen_at", "gone")
    list_filter = ("kind", "source", "gone")
    search_fields = ("dependent", "support")
    ordering = ("dependent", "support")


@admin.register(Known)
class KnownAdmin(admin.ModelAdmin[Known]):
    """What another system says there is; nothing acts on it."""

    list_display = ("ref", "name", "ci_class", "layer", "source", "ci_ref", "changed_at", "gone")
    list_filter = ("source", "layer", "ci_class", "gone")
    search_fields = ("ref", "name", "ci_ref")
    ordering = ("ref",)


@admin.register(KnownLink)
class KnownLinkAdmin(admin.ModelAdmin[KnownLink]):
    """What stands on what, as another system says."""

    list_display = ("dependent", "kind", "support", "their_class", "changed_at", "gone")
    list_filter = ("source", "kind", "gone")
    search_fields = ("dependent", "support")
    ordering = ("dependent", "support")


@admin.register(Synced)
class SyncedAdmin(admin.ModelAdmin[Synced]):
    """How each class of another system stands."""

    list_display = ("their_class", "source", "state", "whole_at", "checked_at", "said")
    list_filter = ("source", "state")
    ordering = ("their_class",)


@admin.register(HistoryMark)
class HistoryMarkAdmin(admin.ModelAdmin[HistoryMark]):
    """How far another system's history of changes was read."""

    list_display = ("source", "date", "number", "new_at", "looked_at")
    ordering = ("source",)


@admin.register(Proposal)
class ProposalAdmin(admin.ModelAdmin[Proposal]):
    """What was seen and is no CI; a person decides about it on its page."""

    list_display = ("key", "state", "source", "times", "last_seen_at", "decided_by")
    list_filter = ("state", "kind", "source")
    search_fields = ("key", "ref")
    ordering = ("-last_seen_at", "-id")
