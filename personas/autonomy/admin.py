"""Autonomy on the desk: verdicts, changes of levels, what runs spent; nobody edits them."""

from django.contrib import admin

from personas.autonomy.models import (
    Breaker,
    Change,
    Evaluated,
    Evaluation,
    Judgement,
    Kept,
    Policy,
    Spent,
)


@admin.register(Judgement)
class JudgementAdmin(admin.ModelAdmin[Judgement]):
    """Verdicts on changes, newest first."""

    list_display = ("action", "card", "entry", "ci_class", "verdict", "judged_by", "judged_at")
    list_filter = ("verdict", "card", "entry", "healed_alone", "proven_false")
    search_fields = ("action__ticket_ref", "action__target", "why")
    list_select_related = ("action", "card")
    ordering = ("-judged_at",)
    sortable_by = ("judged_at",)


@admin.register(Change)
class ChangeAdmin(admin.ModelAdmin[Change]):
    """Levels that were set, newest first."""

    list_display = ("card", "entry", "ci_class", "ci_ref", "before", "level", "by", "why", "at")
    list_filter = ("level", "card", "entry", "against_the_figures")
    list_select_related = ("card",)
    ordering = ("-at",)


@admin.register(Kept)
class KeptAdmin(admin.ModelAdmin[Kept]):
    """CIs on which a card goes less far than on their class."""

    list_display = ("card", "entry", "ci_ref", "level", "set_by", "why", "set_at")
    list_filter = ("level", "card", "entry")
    search_fields = ("ci_ref",)
    list_select_related = ("card",)
    ordering = ("card", "entry", "ci_ref")


@admin.register(Evaluated)
class EvaluatedAdmin(admin.ModelAdmin[Evaluated]):
    """Answers to the evaluation set that would have been acted on."""

    list_display = ("card", "engine", "case", "confidence", "sound", "at")
    list_filter = ("card", "engine", "sound")
    search_fields = ("case",)
    ordering = ("card", "engine", "case")


@admin.register(Evaluation)
class EvaluationAdmin(admin.ModelAdmin[Evaluation]):
    """Evaluations of cards by engines."""

    list_display = ("card", "engine", "at", "by", "prompt_digest")
    list_filter = ("card", "engine")
    ordering = ("-at",)


@admin.register(Spent)
class SpentAdmin(admin.ModelAdmin[Spent]):
    """What runs spent on models."""

    list_display = ("run", "questions", "tokens_in", "tokens_out")
    list_select_related = ("run",)
    ordering = ("-run__created_at",)


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin[Policy]):
    """Numbers that the site file declares."""

    list_display = ("name", "value")
    ordering = ("name",)


@admin.register(Breaker)
class BreakerAdmin(admin.ModelAdmin[Breaker]):
    """The fleet's breaker; the page Autonomy moves it."""

    list_display = ("state", "rule", "reason", "ticket_ref", "by", "since")
