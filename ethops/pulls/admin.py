"""Pull requests that are followed, and the looks at their forge, on the desk to look at."""

from django.contrib import admin

from ethops.pulls.models import Followed, ForgeLook


@admin.register(Followed)
class FollowedAdmin(admin.ModelAdmin[Followed]):
    """The newest number first."""

    list_display = ("number", "title", "ticket_ref", "state", "ended_by", "seen_at", "told")
    list_filter = ("state", "told")
    search_fields = ("title", "ticket_ref")
    ordering = ("-number",)


@admin.register(ForgeLook)
class ForgeLookAdmin(admin.ModelAdmin[ForgeLook]):
    """One row."""

    list_display = ("at", "misses", "away_since", "said")
