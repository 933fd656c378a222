"""The ledger: how far it is whole, its latest entries, and what one entry shows by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from audit.ledger import witnesses
from audit.models import BreakGlass, Entry
from ethops.api import acts
from ethops.pages import ledger_filter, ledger_words
from ethops.pages.now import Answer
from ethops.pages.seals import Seal, seal
from ethops.pages.words import Moment, State, count, entry, listed, short_hash
from ethops.world import ledger, ledger_proofs, ledger_state, runs
from ethops.world.ledger_proofs import Head
from ethops.world.ledger_state import Standing

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as a line of the list."""

    seal: Seal
    state: State
    kind: str
    ticket: str
    ticket_href: str
    what: str
    by: str
    at: Moment
    hash: str


class WhyForm(forms.Form):
    """Why somebody knows of the damage and lets work go on."""

    why = forms.CharField(max_length=2000, error_messages={"required": "Say what you know of it."})


@require_http_methods(["GET", "HEAD", "POST"])
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the standing of the whole and its entries, newest first."""
    now = timezone.now()
    acknowledging = None
    if request.method == "POST":
        acknowledging = WhyForm(request.POST)
        if acknowledging.is_valid() and (done := acknowledged(request, acknowledging)):
            return done
    standing = ledger_state.standing()
    form = ledger_filter.sought(request.GET)
    proven_to = ledger_proofs.agreed_to()
    found = list(ledger_filter.kept(ledger.entries().defer(None), form)[: SHOWN + 1])
    may = request.user.has_perm(acts.MAY_ACKNOWLEDGE)
    offered = may and standing.damage is not None and not standing.damage.acknowledged_by
    shown_now = {
        **context,
        "title": "Ledger",
        "answers": answers(standing, now),
        "damage": standing.damage,
        "debts": [debt(one, now) for one in ledger_state.debts()] if standing.debts else [],
        "acknowledging": acknowledging,
        "may_acknowledge": may,
        "lost": "" if acknowledging is None or offered else acknowledging["why"].value(),
        "witnesses": [witness(one, now) for one in standing.witnesses],
        "quorum": standing.quorum,
        "head": head_shown(ledger_proofs.latest(), now),
        "keys": ledger_proofs.log_keys(),
        "rows": [row(one, proven_to, now) for one in found[:SHOWN]],
        "older": ledger_filter.older(form, found[SHOWN - 1].seq) if len(found) > SHOWN else "",
        "form": form,
        "filter": ledger_filter.says(form),
        "before": "before" in ledger_filter.chosen(form),
        "kinds": ledger.kinds(),
        "personas": list(runs.cards().values_list("name", flat=True)),
    }
    status = 422 if acknowledging is not None else 200
    return TemplateResponse(request, "desk/ledger.html", shown_now, status=status)


def acknowledged(request: HttpRequest, form: WhyForm) -> HttpResponse | None:
    """Let the person say that he knows of the damage; no answer where he has not seen it all."""
    if not request.user.has_perm(acts.MAY_ACKNOWLEDGE):
        raise PermissionDenied
    if acts.is_other_damage(request.POST.get("seen", "")):
        # What came after the page was drawn is nothing that he has seen.
        form.add_error(None, "Something else was found since. Look at it first.")
        return None
    if acts.acknowledge(by=request.user.get_username(), why=form.cleaned_data["why"]):
        messages.success(request, "It is on record that you know. Risky actions may run again.")
    else:
        messages.success(request, "Nothing is left to acknowledge: the ledger verifies again.")
    return HttpResponseRedirect(reverse("admin:ledger"))


def head_shown(found: Head | None, now: datetime) -> dict[str, Any] | None:
    """Return what is told of the newest head."""
    if found is None:
        return None
    return {
        "number": entry(found.size),
        "at": Moment(found.at, now),
        "root": short_hash(found.root),
        "note": found.note,
    }


def debt(one: BreakGlass, now: datetime) -> dict[str, Any]:
    """Return an act past the ledger as a line."""
    at = Moment(one.claimed_at, now)
    return {"id": one.id, "who": one.who, "what": one.what, "ticket": one.ticket_ref, "at": at}


def witness(one: witnesses.One, now: datetime) -> dict[str, Any]:
    """Return a witness as a line."""
    word, tone, glyph = WITNESS_WORDS[one.state]
    return {
        "name": one.name,
        "administrator": one.administrator,
        "independent": one.independent,
        "state": State(word, tone, glyph, one.said),
        "to": entry(one.size) if one.size else "",
        "at": Moment(one.signed_at, now) if one.signed_at else None,
    }


WITNESS_WORDS = {
    "new": ("not asked yet", "quiet", "clock"),
    "well": ("agrees", "ok", "proven"),
    "away": ("silent", "doubt", "late"),
    "refuses": ("refuses", "doubt", "denied"),
    "ahead": ("has seen another ledger", "no", "broken"),
}


def answers(standing: Standing, now: datetime) -> list[Answer]:
    """Answer whether it is whole, how far it is signed and witnessed, and what is in doubt."""
    said = ledger_words.shown(standing, now)
    here = reverse("admin:ledger")
    doubts = list(runs.in_doubt()[:2])
    in_doubt = runs.in_doubt().count()
    return [
        Answer("Whole", said.says, said.detail, said.tone, here),
        head_answer(standing, now),
        witness_answer(standing, now),
        Answer(
            "In doubt",
            count(in_doubt, "action") if in_doubt else "Nothing",
            "nobody has reported the outcome" if in_doubt else "every outcome is known",
            "doubt" if in_doubt else "quiet",
            reverse("admin:action", args=[doubts[0].id]) if doubts else here,
        ),
    ]


def head_answer(standing: Standing, now: datetime) -> Answer:
    """Answer how far a signed tree head goes."""
    here = f"{reverse('admin:ledger')}#head"
    if standing.refused:
        return Answer("Signed head", "Refused", standing.refused, "no", here)
    if standing.head is None:
        return Answer("Signed head", "None yet", "the checkpointer signs the first", "quiet", here)
    late = standing.unsigned_since and now - standing.unsigned_since > ledger_words.HEAD_LATE
    detail = f"signed {Moment(standing.head.at, now).ago} ago"
    return Answer("Signed head", entry(standing.head.size), detail, "doubt" if late else "ok", here)


def witness_answer(standing: Standing, now: datetime) -> Answer:
    """Answer how many others have seen the newest heads."""
    here = f"{reverse('admin:ledger')}#witnesses"
    others = [one for one in standing.witnesses if one.independent]
    if not others:
        why = "none is declared" if not standing.witnesses else "only our own administrator's"
        return Answer("Witnesses", "None", f"{why}: see ledger.yaml", "quiet", here)
    well = [one for one in others if one.well]
    tone = "ok" if len(well) == len(others) else "doubt"
    newest = max((one.signed_at for one in others if one.signed_at), default=None)
    seen = f"last signed {Moment(newest, now).ago} ago" if newest else "none has signed yet"
    ahead = any(one.state == "ahead" for one in others)
    return Answer(
        "Witnesses",
        f"{len(well)} of {len(others)} agree",
        f"{listed([one.administrator for one in well])}, {seen}" if well else seen,
        "no" if ahead else tone,
        here,
    )


def row(one: Entry, proven_to: int, now: datetime) -> Row:
    """Return an entry as a line."""
    said = ledger.content(one)
    what, by = about(said)
    mark = seal(one.seq, proven_to)
    state = State(mark.word, "ok" if mark.word == "proven" else "quiet", mark.glyph)
    if ledger.differs(one, said):
        state = State("broken", "no", "broken")
    return Row(
        seal=mark,
        state=state,
        kind=one.kind,
        ticket=one.ticket_ref,
        ticket_href=reverse("admin:ticket", args=[one.ticket_ref]) if one.ticket_ref else "",
        what=what,
        by=by,
        at=Moment(one.at, now),
        hash=bytes(one.hash).hex()[:8],
    )


def about(said: dict[str, Any]) -> tuple[str, str]:
    """Return what an entry is about and by whom, in words, from its body."""
    body = said.get("body")
    if not isinstance(body, dict):
        return "", ""
    # The card of what asks a model is the graphics card.
    who = ("principal", *WHO) if "tier" in body else WHO
    by = short_principal(next((str(body[name]) for name in who if body.get(name)), ""))
    what = str(body.get("entry") or body.get("verb") or "")
    if what and body.get("target"):
        what = f"{what} on {body['target']}"
    return what or step_of(body) or other(body), by


def step_of(body: dict[str, Any]) -> str:
    """Return which step it is about and what came of it; empty where it is about none."""
    came = next((f": {body[name]}" for name in CAME if body.get(name)), "")
    return f"step {body['step']}{came}" if body.get("step") else ""


def other(body: dict[str, Any]) -> str:
    """Return the most telling words of a body that is about no act and no step."""
    if body.get("vkey"):
        return f"key {str(body['vkey']).partition('+')[2][:8]}"
    if body.get("engine") and "sound" in body:
        return (
            f"{body.get('card')} by {body['engine']}: {body['sound']} of {body.get('asked')} sound"
        )
    found = next((body[name] for name in WHAT if body.get(name)), "")
    line = f"line {body['line']} of the worklog" if body.get("line") else ""
    return listed([str(one) for one in found]) if isinstance(found, list) else str(found) or line


def short_principal(name: str) -> str:
    """Return `run 9000` for a run; a rule or person by its name."""
    kind, _, rest = name.partition(":")
    return f"run {rest[:4]}" if kind == "run" and rest else rest or kind


WHO = ("person", "author", "by", "card", "principal", "noted_by")
CAME = ("choice", "ending", "slot")
WHAT = ("title", "summary", "what", "why", "changed", "verdict", "error", "model", "slot", "scope")
