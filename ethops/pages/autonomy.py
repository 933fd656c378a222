"""Autonomy: how far agents may go, how often each was right, who set it, and the breaker."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from ethops.api import acts
from ethops.pages import typed
from ethops.pages.typed import Typed
from ethops.pages.words import Moment, State, count
from ethops.world import autonomy
from ethops.world.autonomy import Bar, BreakerNow, Calibrated, Figures, Shown, Triple
from personas.autonomy.errors import RefusedError
from personas.autonomy.models import Judgement, Kept
from personas.states import LEVELS

SHOWN: Final = 12
LEVEL: Final = {
    "observe": State("observes", "quiet", "would"),
    "propose": State("proposes", "run", "person"),
    "veto": State("acts unless stopped", "run", "clock"),
    "act": State("acts", "ok", "tick"),
}
VERDICT: Final = {
    "right": State("right", "ok", "tick"),
    "wrong": State("wrong", "no", "failed"),
    "unknown": State("unknown", "quiet", "doubt"),
}
BREAKER: Final = {
    "closed": State("closed: changes go on", "ok", "tick"),
    "half_open": State("half open: one change at a time is tried", "doubt", "clock"),
    "open": State("open: no agent changes anything", "no", "denied"),
}
RULES: Final = {
    "failed": "changes failed or in doubt",
    "denied": "proposals denied",
    "abandoned": "runs cut off at a limit",
}
FORBIDDEN: Final = "You may not do this; ask somebody who may set levels."


class LevelForm(forms.Form):
    """How far, and why."""

    triple = forms.CharField(max_length=400)
    level = forms.ChoiceField(choices=[(level, level) for level in LEVELS])
    why = forms.CharField(max_length=2000, error_messages={"required": "Say why."})
    against_the_figures = forms.BooleanField(required=False)


class WhyForm(forms.Form):
    """A reason."""

    why = forms.CharField(max_length=2000, error_messages={"required": "Say why."})


@dataclass(frozen=True, slots=True)
class Line:
    """One triple as a line."""

    key: str
    card: str
    entry: str
    ci_class: str
    state: State
    right: str
    proven: str
    aside: str
    carries: str
    set_by: str
    why: str
    set_at: Moment | None


@dataclass(frozen=True, slots=True)
class Less:
    """One CI on which a card goes less far, as a line."""

    key: str
    card: str
    entry: str
    ci: str
    state: State
    set_by: str
    why: str
    set_at: Moment


@dataclass(frozen=True, slots=True)
class Trust:
    """One engine's figures as a line."""

    card: str
    engine: str
    state: State
    outcomes: str
    came_true: str
    brier: str
    ece: str
    over: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One evaluation as a line."""

    card: str
    engine: str
    state: State
    sound: str
    harmful: int
    brier: str
    ece: str
    digest: str
    by: str
    at: Moment


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict as a line."""

    what: str
    href: str
    state: State
    why: str
    by: str
    at: Moment | None


def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the page, or set a level."""
    may = request.user.has_perm(acts.MAY_SET_LEVELS)
    form = LevelForm(request.POST) if request.method == "POST" else LevelForm()
    if request.method == "POST":
        if not may:
            form.add_error(None, FORBIDDEN)
        elif form.is_valid() and _set(request, form):
            return HttpResponseRedirect(reverse("admin:autonomy"))
    return _drawn(request, context, form)


def _drawn(
    request: HttpRequest, context: dict[str, Any], form: LevelForm, refused: Typed | None = None
) -> HttpResponse:
    may = request.user.has_perm(acts.MAY_SET_LEVELS)
    about = {**context, **content(timezone.now()), "form": form, "may": may, "levels": LEVELS}
    is_closed = about["breaker"].state == "closed"
    offered = {"open": may and is_closed, "closed": may and not is_closed}
    about |= {"refused": refused, "lost": refused.lost(offered) if refused else ""}
    status = 422 if form.is_bound or refused else 200
    return TemplateResponse(request, "desk/autonomy.html", about, status=status)


def content(now: datetime) -> dict[str, Any]:
    """Collect what the page says."""
    bars = autonomy.bars()
    found = autonomy.triples()
    breaker = autonomy.breaker()
    return {
        "title": "Autonomy",
        "breaker": breaker.breaker,
        "breaker_state": BREAKER[breaker.breaker.state],
        "breaker_since": Moment(breaker.breaker.since, now) if breaker.breaker.reason else None,
        "breaker_ticket": ticket_href(breaker),
        "anomalies": [(RULES[one.rule], f"{one.seen} of {one.most}") for one in breaker.anomalies],
        "window": f"{breaker.window_s // 60} min",
        "lines": [line(one, bars, now) for one in found],
        "kept": [less(one, now) for one in autonomy.kept()],
        "bars": [
            f"for {bar.level} {count(bar.least, 'verdict')} that prove {percent(bar.lower)}"
            for bar in bars
        ],
        "evaluations": [asked(one, now) for one in autonomy.evaluations()],
        "trusts": [trust(one) for one in autonomy.calibrations()],
        "verdicts": [said(one, now) for one in autonomy.verdicts()[:SHOWN]],
        "now": Moment(now, now),
    }


def line(one: Triple, bars: list[Bar], now: datetime) -> Line:
    """Show a triple as a line."""
    return Line(
        key=key(one),
        card=one.card,
        entry=one.entry,
        ci_class=one.ci_class,
        state=LEVEL[one.level],
        right=f"{one.figures.right} of {one.figures.judged}" if one.figures.judged else "none yet",
        proven=percent(one.figures.proven) if one.figures.judged else "",
        aside=aside(one.figures),
        carries=carries(one.figures, bars),
        set_by=one.set_by,
        why=one.why,
        set_at=Moment(one.set_at, now) if one.set_at else None,
    )


def less(one: Kept, now: datetime) -> Less:
    """Show a CI on which a card goes less far as a line."""
    return Less(
        key=kept_key(one),
        card=one.card_id,
        entry=one.entry,
        ci=one.ci_ref,
        state=LEVEL[one.level],
        set_by=one.set_by,
        why=one.why,
        set_at=Moment(one.set_at, now),
    )


def kept_key(one: Kept) -> str:
    """Return the words by which the level of a CI is chosen."""
    return f"{one.card_id} {one.entry} {one.ci_class} on {one.ci_ref}"


def key(one: Triple) -> str:
    """Return the words by which a triple is chosen."""
    return f"{one.card} {one.entry} {one.ci_class}"


def aside(figures: Figures) -> str:
    """Say what counts neither way."""
    parts = [f"{figures.unknown} unknown"] if figures.unknown else []
    parts += [f"{figures.healed_alone} healed alone"] if figures.healed_alone else []
    return ", ".join(parts)


def carries(figures: Figures, bars: list[Bar]) -> str:
    """Say how far the figures carry; to propose needs none."""
    return next((bar.level for bar in reversed(bars) if bar.is_reached(figures)), "propose")


def trust(one: Calibrated) -> Trust:
    """Show an engine's figures as a line."""
    standing = one.standing
    state = (
        State("observes at most", "doubt", "doubt", one.why_not)
        if one.why_not
        else State("counts", "ok", "tick")
    )
    return Trust(
        card=one.card,
        engine=one.engine,
        state=state,
        outcomes=f"{standing.plays} real, proves {percent(standing.lower)}",
        came_true=f"{standing.sound} of {standing.outcomes}",
        brier=figure(standing.brier),
        ece=figure(standing.ece),
        over=figure(standing.over),
    )


def asked(one: Shown, now: datetime) -> Asked:
    """Show an evaluation as a line."""
    row = one.evaluation
    known = row.figures
    harmful = int(known["harmful"])
    state = State("of today's prompts", "ok", "tick")
    if harmful:
        state = State("did harm", "no", "failed")
    elif not one.is_current:
        state = State("of other prompts or cases", "doubt", "doubt")
    return Asked(
        card=row.card,
        engine=row.engine,
        state=state,
        sound=f"{known['right'] + known['acceptable']} of {known['asked']}",
        harmful=harmful,
        brier=figure(known["brier"]),
        ece=figure(known["ece"]),
        digest=row.prompt_digest[:12],
        by=row.by,
        at=Moment(row.at, now),
    )


def said(one: Judgement, now: datetime) -> Said:
    """Show a verdict as a line."""
    word = VERDICT[one.verdict]
    state = State("false action", "no", "failed") if one.proven_false else word
    return Said(
        what=f"{one.entry} on {one.action.target}, {one.action.ticket_ref}",
        href=reverse("admin:action", args=[one.action_id]),
        state=State("healed alone", "quiet", "doubt") if one.healed_alone else state,
        why=one.why,
        by=one.judged_by.removeprefix("person:"),
        at=Moment(one.judged_at, now),
    )


def ticket_href(found: BreakerNow) -> str:
    """Return the address of the breaker's ticket, "" where it has none."""
    ref = found.breaker.ticket_ref
    return reverse("admin:ticket", args=[ref]) if ref else ""


def percent(share: float) -> str:
    """Return a share as whole percent, never rounded up."""
    return f"{int(share * 100)} %"


def figure(value: float | None) -> str:
    """Return a figure with three digits, "" where there is none."""
    return "" if value is None else f"{value:.3f}"


@require_POST
def breaker(request: HttpRequest, context: dict[str, Any], to: str) -> HttpResponse:
    """Open or close the breaker, and go back."""
    form = WhyForm(request.POST)
    if not request.user.has_perm(acts.MAY_SET_LEVELS):
        refused = typed.refused(request, to, FORBIDDEN)
    elif not form.is_valid():
        refused = typed.unread(request, to, form)
    else:
        person = request.user.get_username()
        acts.move_breaker(to=to, person=person, why=form.cleaned_data["why"])
        messages.success(request, f"The breaker is {to}.")
        return HttpResponseRedirect(reverse("admin:autonomy"))
    return _drawn(request, context, LevelForm(), refused)


def _chosen(said: str) -> tuple[str, str, str, str] | None:
    """Return card, entry, class and CI, "" for the whole class; None where there is no such."""
    of_classes = {key(one): (one.card, one.entry, one.ci_class, "") for one in autonomy.triples()}
    of_cis = {
        kept_key(one): (one.card_id, one.entry, one.ci_class, one.ci_ref) for one in autonomy.kept()
    }
    return (of_classes | of_cis).get(said)


def _set(request: HttpRequest, form: LevelForm) -> bool:
    given = form.cleaned_data
    found = _chosen(given["triple"])
    if found is None:
        form.add_error("triple", "No card has such a right.")
        return False
    card, entry, ci_class, ci = found
    try:
        acts.set_level(
            card=card,
            entry=entry,
            ci_class=ci_class,
            ci=ci,
            level=given["level"],
            person=request.user.get_username(),
            why=given["why"],
            against_the_figures=given["against_the_figures"],
        )
    except RefusedError as fault:
        form.add_error(None, str(fault))
        return False
    messages.success(request, f"{given['triple']}: {given['level']}.")
    return True
