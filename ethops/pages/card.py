"""A card: what would be approved, what has changed since the last time, and a person's word."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ethops.api import acts
from ethops.pages import typed
from ethops.pages.seals import seal
from ethops.pages.typed import Typed
from ethops.pages.words import Moment, State, count
from ethops.world import cards, ledger_proofs, runs
from ethops.world.cards import Standing
from personas.approvals import queries
from personas.cards import further_bounds
from personas.guardrails.errors import CardRefusedError
from personas.models import Card

ENTRIES = ("card.approved", "card.refused")
SHOWN = 8


class ApproveForm(forms.Form):
    """What was on the page, by its digests, why, and the code of the second factor."""

    digest = forms.CharField(max_length=64)
    prompt_digest = forms.CharField(max_length=64, required=False)
    code = forms.RegexField(
        r"^[0-9]{6}$", required=False, error_messages={"invalid": "Six digits."}
    )
    why = forms.CharField(max_length=2000, error_messages={"required": "Say why."})


def shown(request: HttpRequest, context: dict[str, Any], name: str) -> HttpResponse:
    """Draw a card, or approve it as it is shown."""
    found = cards.standing(name)
    if found is None:
        raise Http404(f"There is no card {name}.")
    refused: Typed | None = None
    if request.method == "POST":
        refused = _approve(request, found)
        if not refused:
            messages.success(request, f"{name} is approved as it is loaded.")
            return HttpResponseRedirect(reverse("admin:card", args=[name]))
        found = cards.standing(name) or found
    about = {**context, **content(request, found), "refused": refused}
    offered = about["waits"] and about["may"] and not about["other_version"]
    about["lost"] = refused.lost({"approve": offered}) if refused else ""
    return TemplateResponse(request, "desk/card.html", about, status=422 if refused else 200)


def _approve(request: HttpRequest, found: Standing) -> Typed | None:
    """Approve it; returns what was refused, None where it was not."""
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return typed.unread(request, "approve", form)
    said = form.cleaned_data
    try:
        acts.approve_card(
            found,
            digest=said["digest"],
            prompt_digest=said["prompt_digest"],
            person=request.user.get_username(),
            code=said["code"],
            why=said["why"],
        )
    except CardRefusedError as fault:
        return typed.refused(request, "approve", f"{fault} {fault.hint}")
    return None


def content(request: HttpRequest, found: Standing) -> dict[str, Any]:
    """Return everything the page says."""
    now, card = timezone.now(), found.card
    proven_to = ledger_proofs.agreed_to()
    entries = [e for e in runs.entries_of(card.name) if e.kind in ENTRIES][-SHOWN:]
    single = queries.profile().single
    return {
        "title": card.title,
        "card": card,
        "state": state(found),
        "now": Moment(now, now),
        "facts": facts(found, now),
        "digests": digests(found),
        "duties": card.document.get("duties", ()),
        "never": card.document.get("never", ()),
        "grants": grants(card),
        "changes": found.changes(),
        "changes_told": found.changes_told(),
        "last": last(found, now),
        "waits": not found.approved,
        "other_version": not found.is_told,
        "needs_code": found.risky or single,
        "has_factor": queries.has_factor(request.user.get_username()),
        "single": single,
        "delay_s": queries.profile().delay_s,
        "may": request.user.has_perm("approvals.approve"),
        "seals": [(e.kind, seal(e.seq, proven_to)) for e in entries],
    }


def state(found: Standing) -> State:
    """Say in a word whether it may have runs."""
    if not found.card.enabled:
        return State("switched off", "quiet", "denied", "no file declares it any more")
    if found.waiting:
        return State("not dispatched yet", "quiet", "clock", found.waiting)
    if found.approved:
        return State("approved as it is loaded", "ok", "tick")
    return State("waits for a person", "doubt", "person", "it has no runs until then")


def facts(found: Standing, now: datetime) -> list[tuple[str, str]]:
    """Return its job in a few lines."""
    card = found.card
    limits = card.limits
    begins = str(card.document.get("first_question") or "none yet")
    bounds = (
        f"{count(limits['max_steps'], 'step')}, {count(limits['max_actions'], 'request')}, "
        f"{limits['max_duration_s']} s"
    )
    given = ", ".join(card.document.get("looks_after") or ())
    said = [
        ("Purpose", card.purpose),
        ("Team", card.team),
        ("Begins with", begins),
        ("Is given incidents of", given),
        ("Budget of a run", ", ".join([bounds, *further_bounds(limits)])),
        ("Loaded", f"{Moment(card.loaded_at, now).ago} ago"),
    ]
    return [(name, text) for name, text in said if text]


def digests(found: Standing) -> list[tuple[str, str]]:
    """Return by what a card is known."""
    return [("Card", found.card.digest), ("Prompts", found.prompt_digest)]


def grants(card: Card) -> list[tuple[str, str, str, str]]:
    """Return each right as a line: verb, entry, risk where the card says it, classes of CI."""
    return [
        (
            str(grant["verb"]),
            ", ".join(grant.get("entries") or ()),
            str(grant.get("risk") or ""),
            ", ".join(grant.get("ci_classes") or ()),
        )
        for grant in card.document.get("grants", ())
    ]


def last(found: Standing, now: datetime) -> list[tuple[str, str]]:
    """Return who approved it the last time, and why."""
    one = found.last
    if one is None:
        return []
    alone: dict[bool | None, str] = {
        False: "no: not independent, one person operates here",
        True: "yes",
    }
    said = [
        ("By", one.by),
        ("At", Moment(one.at, now).clock),
        ("Why", one.why),
        ("Second factor", "code of an authenticator" if one.factor else ""),
        ("Independent", alone.get(one.independent, "")),
        ("Card", "as it is loaded" if one.digest == found.card.digest else one.digest),
        ("Prompts", "as they are loaded" if one.prompt_digest == found.prompt_digest
         else one.prompt_digest),
    ]  # fmt: skip
    return [(name, text) for name, text in said if text]
