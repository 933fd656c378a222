"""The CMDB mirror on the desk; it is declared in the site file, so it is only looked at here."""

from django.contrib import admin

from adapters.cmdb.models import CI, Host, JoinRule, Known, KnownLink, Relation, Synced


@admin.register(CI)
class CIAdmin(admin.ModelAdmin[CI]):
    """What there is, and what nobody may act on without a person."""

    list_display = ("ref", "name", "ci_class", "impact", "lifeline", "inventory_host", "retired")
    list_filter = ("ci_class", "lifeline", "user_facing", "retired", "source")
    search_fields = ("ref", "name", "ci_class")
    list_select_related = ("inventory_host",)
    ordering = ("ref",)


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
