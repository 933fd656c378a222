"""Columns of the admin's lists as the desk shows them: short times, links, states in words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

from django.contrib import admin
from django.db.models import BooleanField, DateTimeField, JSONField, Model
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ethops.pages import words
from ethops.pages.words import State

Column: TypeAlias = "str | Callable[[Any], Any]"

STATES: dict[tuple[str, str], Callable[[Any], State]] = {
    ("tickets.ticket", "state"): lambda one: words.ticket_state(one.state),
    ("personas.run", "state"): lambda one: words.run_state(one.state),
    ("personas.action", "verdict"): lambda one: words.verdict_state(one.verdict),
    ("personas.action", "outcome"): lambda one: words.outcome_state(
        one.outcome, one.work.state if one.work else ""
    ),
    ("approvals.approval", "state"): lambda one: words.approval_state(one.state),
    ("gpu.job", "state"): lambda one: words.job_state(one.id.state),
    ("cmdb.proposal", "state"): lambda one: words.proposal_state(one.state),
}
"""(Model, field) -> how its state is said."""

TICKETS = frozenset({"ticket_ref", "ticket_id"})


@cache
def shown(model: type[Model], name: Any) -> Any:
    """Return a column in the place of a field's name; other columns stay as they are.

    The same column each time: the admin compares what it gets.
    """
    if not isinstance(name, str):
        return name
    facts = model._meta  # noqa: SLF001 - documented, in spite of its name
    say = STATES.get((facts.label_lower, name))
    if say is not None:
        return _stated(name, say)
    if name in TICKETS:
        return _ticket(name)
    kinds = {field.name: field for field in facts.get_fields()}
    make = MAKERS.get(type(kinds.get(name)))
    return name if make is None else make(name)


@cache
def detailed(model: type[Model], name: str) -> Column:
    """Return a field as a row's own page shows it: as in a list, and JSON at full length."""
    kinds = {field.name: field for field in model._meta.get_fields()}  # noqa: SLF001 - as above
    if isinstance(kinds.get(name), JSONField):
        return _json(name)
    column: Column = shown(model, name)
    return column


def _stated(name: str, say: Callable[[Any], State]) -> Column:
    @admin.display(description=name.capitalize(), ordering=name)
    def column(one: Any) -> SafeString:
        return stated(say(one))

    return column


def stated(state: State) -> SafeString:
    """Return a state as a mark and a word."""
    return format_html(
        '<span class="st {}">{}<span>{}</span></span>', state.tone, mark(state.glyph), state.word
    )


def _ticket(name: str) -> Column:
    @admin.display(description="Ticket", ordering=name)
    def column(one: Any) -> SafeString | str:
        ref = str(getattr(one, name) or "")
        try:
            return format_html('<a href="{}">{}</a>', reverse("admin:ticket", args=[ref]), ref)
        except NoReverseMatch:
            return ref

    return column


def _moment(name: str) -> Column:
    @admin.display(
        description=name.removesuffix("_at").replace("_", " ").capitalize(), ordering=name
    )
    def column(one: Any) -> SafeString | str:
        at: datetime | None = getattr(one, name)
        if at is None:
            return ""
        at = at.astimezone(UTC)
        return format_html(
            '<time class="nowrap" datetime="{}">{}</time>', at.isoformat(), f"{at:%-d %b %H:%M:%S}"
        )

    return column


def _yes_or_no(name: str) -> Column:
    @admin.display(description=name.replace("_", " ").capitalize(), ordering=name)
    def column(one: Any) -> str:
        return "yes" if getattr(one, name) else "no"

    return column


def _json(name: str) -> Column:
    @admin.display(description=name.replace("_", " ").capitalize())
    def column(one: Any) -> SafeString:
        text = json.dumps(getattr(one, name), indent=1, ensure_ascii=False)
        return format_html('<pre class="raw">{}</pre>', text)

    return column


MAKERS: dict[type, Callable[[str], Column]] = {DateTimeField: _moment, BooleanField: _yes_or_no}
"""Kind of field -> how its column is made."""


def mark(glyph: str) -> SafeString | str:
    """Return a mark of the sprite."""
    if not glyph:
        return ""
    return format_html(
        '<svg class="g" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("ethops/marks.svg"),
        glyph,
    )
