"""An action: five stations in a row, the guard that decided, and what came of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ethops.api import acts
from ethops.pages import approval as approval_page
from ethops.pages import because, typed
from ethops.pages.autonomy import FORBIDDEN, VERDICT, Said, WhyForm, said
from ethops.pages.seals import Seal, seal
from ethops.pages.typed import Typed
from ethops.pages.words import Moment, State, action_state, count, short_span
from ethops.world import autonomy, ledger_proofs, runs, why
from ethops.world.story import deed, said_by
from personas.approvals import queries as approvals
from personas.autonomy.errors import RefusedError
from personas.models import Action

NOT_YET: Final = "nobody has judged it yet"
AFTER = (
    ("autonomy", "the card may act here, not only observe"),
    ("signature", "whoever takes the step has signed what it asks"),
)
"""What the gate asks when no guard has denied."""


@dataclass(frozen=True, slots=True)
class Station:
    """One of the five; one that was not reached is drawn dashed."""

    name: str
    glyph: str
    tone: str
    text: str
    at: Moment | None = None
    reached: bool = True
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard; `hit` is the one that decided."""

    name: str
    means: str
    hit: bool


@require_safe
def shown(request: HttpRequest, context: dict[str, Any], action_id: UUID) -> HttpResponse:
    """Draw an action."""
    return _drawn(request, context, _found(action_id))


@require_POST
def verdict(request: HttpRequest, context: dict[str, Any], action_id: UUID) -> HttpResponse:
    """Say of a change that it was right, or a false action, and go back to it."""
    found = _found(action_id)
    refused = _judge(request, action_id)
    if refused is not None:
        return _drawn(request, context, found, refused)
    messages.success(request, "On record. A false action takes the right back by itself.")
    return HttpResponseRedirect(reverse("admin:action", args=[action_id]))


def _judge(request: HttpRequest, action_id: UUID) -> Typed | None:
    """Judge it; returns what was refused, None where it was not."""
    form, word = WhyForm(request.POST), request.POST.get("verdict", "")
    if word not in ("right", "false"):
        return typed.refused(request, "verdict", "Say right, or false.")
    if word == "right" and not request.user.has_perm(acts.MAY_SET_LEVELS):
        return typed.refused(request, "verdict", FORBIDDEN)
    if not form.is_valid():
        return typed.unread(request, "verdict", form)
    person, why = request.user.get_username(), form.cleaned_data["why"]
    try:
        acts.judge(action_id=action_id, person=person, verdict=word, why=why)
    except RefusedError as fault:
        return typed.refused(request, "verdict", str(fault))
    return None


def _found(action_id: UUID) -> Action:
    found = runs.action(action_id)
    if found is None:
        raise Http404(f"There is no action {action_id}.")
    return found


def _drawn(
    request: HttpRequest, context: dict[str, Any], found: Action, refused: Typed | None = None
) -> HttpResponse:
    now = timezone.now()
    work_state = found.work.state if found.work else ""
    about = {
        **context,
        "title": f"{deed(found)}, {found.ticket_ref}",
        "action": found,
        "deed": deed(found),
        "state": action_state(found.verdict, found.outcome, work_state, found.reason),
        "stations": stations(found, now),
        "guards": guards(found),
        "approval": approval_of(found.id),
        "verdict_says": verdict_says(found),
        "args": [(name, str(value)) for name, value in sorted(found.args.items())],
        "said": said_by(found.result),
        "result": json.dumps(found.result, indent=1, ensure_ascii=False) if found.result else "",
        "ticket_href": reverse("admin:ticket", args=[found.ticket_ref]) if found.ticket_ref else "",
        "run_href": reverse("admin:run", args=[found.run_id]) if found.run_id else "",
        "run_short": str(found.run_id or "")[:4],
        "why": because.lines(why.of_action(found.id), ledger_proofs.agreed_to(), now),
        "judged": judged(found, now),
        "may_say_right": request.user.has_perm(acts.MAY_SET_LEVELS),
        "now": Moment(now, now),
        "refused": refused,
    }
    about["lost"] = refused.lost({"verdict": bool(about["judged"])}) if refused else ""
    return TemplateResponse(request, "desk/action.html", about, status=422 if refused else 200)


def approval_of(action_id: UUID) -> tuple[State, str] | None:
    """Return how a person decided and where that stands, None where nobody had to."""
    one = approvals.approval(action_id)
    if one is None:
        return None
    return approval_page.state(one), reverse("admin:approval", args=[action_id])


def judged(action: Action, now: datetime) -> Said | None:
    """Return the verdict on a change, None for what is none or has not happened."""
    is_change = action.run_id and not action.verb.startswith("ticket.")
    if not is_change or action.verdict == "denied" or (action.work and not action.outcome):
        return None
    found = autonomy.verdict_of(action.id)
    return said(found, now) if found else Said("", "", VERDICT["unknown"], NOT_YET, "", None)


def stations(action: Action, now: datetime) -> list[Station]:
    """Return propose, record, claim, act and settle as far as the action has come."""
    proven_to = ledger_proofs.agreed_to()
    entries = {entry.kind: seal(entry.seq, proven_to) for entry in runs.entries_of(str(action.id))}
    verdict = entries.get(f"action.{action.verdict}")
    return [
        _propose(action, now),
        _record(verdict),
        _claim(action, now),
        _act(action, now),
        _settle(action, entries, now),
    ]


def _propose(action: Action, now: datetime) -> Station:
    glyph, tone = {
        "denied": ("denied", "no"),
        "observed": ("would", "quiet"),
        "proposed": ("person", "doubt"),
        "authorised": ("permit", "run"),
    }[action.verdict]
    by = action.run.card_id if action.run else action.principal
    return Station(
        "Propose", glyph, tone, f"{action.verdict}; by {by}", Moment(action.decided_at, now)
    )


def _record(found: Seal | None) -> Station:
    if found is None:
        return Station("Record", "recorded", "quiet", "being written", reached=False)
    return Station("Record", found.glyph, "", "written before anything is done", seal=found)


def _claim(action: Action, now: datetime) -> Station:
    work = action.work
    if work is None:
        said = "waits for a person" if waits_for_person(action) else f"never: {action.verdict}"
        return Station("Claim", "rule", "quiet", said, reached=False)
    if work.claimed_at is None:
        why = action.outcome or runs.held_back(action.id) or "waits for an executor"
        return Station("Claim", "clock", "quiet", why, reached=False)
    by = f"{work.holder}; {count(work.attempts, 'attempt')}"
    return Station("Claim", "rule", "", by, Moment(work.claimed_at, now))


def _act(action: Action, now: datetime) -> Station:
    work = action.work
    begun = work is not None and work.claimed_at is not None
    if work is None or not begun or action.outcome in {"expired", "void"}:
        return Station("Act", "rule", "quiet", "nothing was done", reached=False)
    if work.state == "in_doubt":
        return Station("Act", "doubt", "doubt", "nobody can tell yet whether it happened")
    if not action.outcome or work.claimed_at is None:
        return Station("Act", "clock", "run", "acting")
    took = short_span((action.settled_at or now) - work.claimed_at)
    return Station("Act", "tick", "", f"took {took}")


def _settle(action: Action, entries: dict[str, Seal], now: datetime) -> Station:
    if not action.outcome:
        why = "never" if action.work is None else "not yet"
        return Station("Settle", "clock", "quiet", why, reached=False)
    glyph, tone = {"done": ("tick", "ok"), "failed": ("failed", "no")}.get(
        action.outcome, ("late", "quiet")
    )
    kinds = ("action.outcome", "action.expired", "action.void")
    found = next((entries[kind] for kind in kinds if kind in entries), None)
    at = Moment(action.settled_at, now) if action.settled_at else None
    return Station("Settle", glyph, tone, action.outcome, at, seal=found)


ORDERED: Final = {
    "notify": "Ordered by a rule; the target is one that the site declares.",
    "pull.merge": "Ordered by the person whom it names, of a head that was approved.",
    "pull.tell": "Ordered by the end of a pull request: its ticket is told, once.",
    "alerts.silence": "Ordered with a maintenance window, at an Alertmanager of the site's.",
}
"""What no agent asked for, and why it may be done."""


def waits_for_person(action: Action) -> bool:
    """Tell whether nothing happens before somebody has approved it."""
    return action.verdict == "proposed" and not action.outcome


def guards(action: Action) -> list[Guard]:
    """Return the guards this kind of action meets, with the one that decided."""
    if action.verb in ORDERED:
        return []
    met = (*runs.guards(action.verb), *AFTER)
    return [Guard(name, means, name == action.guard) for name, means in met]


def verdict_says(action: Action) -> str:
    """Say in one sentence what the gate decided and why."""
    if action.verdict == "authorised":
        if action.verb in ORDERED:
            return ORDERED[action.verb]
        return f"All {len(guards(action))} guards agreed."
    if action.verdict == "proposed":
        return f"All guards agreed; it is a {action.reason}."
    return f"The guard “{action.guard}” decided: {action.reason}."
