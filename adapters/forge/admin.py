"""The embedded forge on the desk, to look at."""

from django.contrib import admin

from adapters.forge.models import PullRequest, Review


@admin.register(PullRequest)
class PullRequestAdmin(admin.ModelAdmin[PullRequest]):
    """What was proposed, and what came of it."""

    list_display = ("number", "title", "author", "state", "ticket_ref", "opened_at", "ended_by")
    list_filter = ("state",)
    search_fields = ("title", "author", "ticket_ref")
    ordering = ("-number",)


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin[Review]):
    """Who said what of which head."""

    list_display = ("pull", "reviewer", "verdict", "head", "at")
    list_filter = ("verdict",)
    list_select_related = ("pull",)
    ordering = ("-id",)
