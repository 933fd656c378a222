"""A run: question and answer side by side, step by step, and what it asked for."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from ethops.api import acts
from ethops.pages.seals import Seal, seal_of
from ethops.pages.telling import engine
from ethops.pages.words import Moment, State, action_state, count, flat, run_state, short_span
from ethops.world import ledger_proofs, runs
from ethops.world.story import deed
from personas.errors import PersonaError
from personas.models import Action, Run, Step
from personas.states import CONTROLS, LIVE, MOST_RETRIES, Control, may_control


@dataclass(frozen=True, slots=True)
class Asked:
    """An action as a line of its step."""

    deed: str
    state: State
    href: str
    at: Moment


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step: facts and candidates left, the answer right."""

    number: int
    kind: str
    at: Moment
    took: str
    facts: list[tuple[str, str]]
    fresh: list[tuple[str, str]]
    candidates: list[tuple[str, str, bool]]
    chosen: str
    say: str
    why: list[str]
    sure: str
    engine: str
    rule: str
    tokens: str
    raw: str
    seal: Seal | None
    asked: list[Asked]


class SteerForm(forms.Form):
    """What a person wants of the run, and why."""

    act = forms.ChoiceField(choices=[(act, act) for act in CONTROLS])
    why = forms.CharField(
        max_length=500, error_messages={"required": "Say why; it goes on record with your name."}
    )


WORDS: Final[dict[Control, str]] = {
    "pause": "Pause",
    "resume": "Let it go on",
    "isolate": "Isolate",
    "cancel": "End it",
    "restart": "Begin anew",
    "retry": "Try again",
}


@require_http_methods(["GET", "HEAD", "POST"])
def shown(request: HttpRequest, context: dict[str, Any], run_id: UUID) -> HttpResponse:
    """Draw a run, or tell it what a person pressed."""
    found = runs.run(run_id)
    if found is None:
        raise Http404(f"There is no run {run_id}.")
    form: SteerForm | None = None
    if request.method == "POST":
        form = SteerForm(request.POST)
        if form.is_valid() and (done := _steered(request, found, form)):
            return done
        found = runs.run(run_id) or found
    now = timezone.now()
    seals = {(e.kind, e.subject): e.seq for e in runs.entries_of_run(found)}
    proven_to = ledger_proofs.agreed_to()
    asked: dict[int, list[Asked]] = {}
    for action in found.action_rows.all():
        asked.setdefault(action.step_number, []).append(_asked(action, now))
    steps = told(
        [
            step_shown(
                s,
                asked.pop(s.number, []),
                seal_of(seals.get(("step.taken", f"{s.run_id}:{s.number}")), proven_to),
                now,
            )
            for s in found.step_rows.all()
        ]
    )
    controls = controls_of(found, may_steer=request.user.has_perm(acts.MAY_STEER))
    about = {
        **context,
        "title": f"Run {str(found.id)[:4]} {found.card_id}",
        "run": found,
        "short": str(found.id)[:4],
        "state": run_state(found.state),
        "steps": steps,
        "controls": controls,
        "form": form,
        "lost": "" if controls or form is None else form["why"].value(),
        "moves": [
            (run_state(one.state).word, one.told_by, one.why, Moment(one.at, now))
            for one in found.transitions.all()
        ],
        "open_step": [one for later in asked.values() for one in later],
        "facts": facts(found, now),
        "ticket_href": reverse("admin:ticket", args=[found.ticket_ref]),
        "born": seal_of(seals.get(("run.born", str(found.id))), proven_to),
        "ended": seal_of(seals.get(("run.ended", str(found.id))), proven_to),
    }
    return TemplateResponse(request, "desk/run.html", about, status=422 if form else 200)


def controls_of(run: Run, *, may_steer: bool) -> list[tuple[Control, str]]:
    """Return what this person may tell the run as it stands, with the words for it."""
    return [
        (act, WORDS[act])
        for act in CONTROLS
        if may_control(run.state, act, dead_letter=run.dead_letter)
        and (may_steer or act in acts.CAREFUL)
    ]


def _steered(request: HttpRequest, run: Run, form: SteerForm) -> HttpResponse | None:
    """Tell the run what was pressed; no answer where the form must be shown again."""
    act: Control = form.cleaned_data["act"]
    if act not in acts.CAREFUL and not request.user.has_perm(acts.MAY_STEER):
        raise PermissionDenied("You may not let runs go on; ask somebody who may.")
    person, why = request.user.get_username(), form.cleaned_data["why"]
    try:
        state = acts.control_run(run_id=run.id, act=act, person=person, why=why)
    except PersonaError as fault:
        form.add_error(None, f"Not done: {fault}. {fault.hint}")
        return None
    messages.success(request, f"The run is {run_state(state).word}.")
    return HttpResponseRedirect(reverse("admin:run", args=[run.id]))


def facts(run: Run, now: Any) -> list[tuple[str, str]]:
    """Return what there is to know about a run beside its steps."""
    ended = run.ended_at or now
    word = "Took" if run.ended_at else "At work for"
    goes = run.state in LIVE and run.held_at is None
    left = [("Over by", Moment(run.deadline, now).clock)] if goes else []
    found = [
        ("Card", run.card_id),
        (word, short_span(ended - run.created_at)),
        *left,
        ("Steps", f"{run.steps} of at most {run.max_steps}"),
        ("Actions", f"{run.actions} of at most {run.max_actions}"),
        ("May touch", ", ".join(map(str, run.intent.scope)) or "no CI: comment only"),
        ("Alert", {"joined": "joined to one CI", "none": "joined to no CI"}.get(
            run.intent.joined, "joined to several CIs")),
    ]  # fmt: skip
    if run.retries:
        found.append(("Retries", f"{run.retries} of at most {MOST_RETRIES}"))
    if run.told_by:
        found.append(("Told by", f"{run.told_by}: {run.why}"))
    if run.limit_hit:
        found.append(("Limit hit", run.limit_hit))
    if run.summary:
        found.append(("Summary", run.summary))
    return found


def step_shown(step: Step, asked: list[Asked], seal: Seal | None, now: Any) -> StepShown:
    """Return one step as shown; what a question or answer lacks is empty."""
    question, answer = _mapping(step.question), _mapping(step.answer)
    chosen = str(answer.get("choice", ""))
    sure = answer.get("confidence")
    tokens = int(answer.get("tokens_in") or 0) + int(answer.get("tokens_out") or 0)
    return StepShown(
        number=step.number,
        kind=str(question.get("kind", "")),
        at=Moment(step.started_at, now),
        took=short_span(step.ended_at - step.started_at),
        facts=sorted(flat(question.get("facts"))),
        fresh=[],
        candidates=_candidates(question.get("candidates"), chosen),
        chosen=chosen,
        say=str(answer.get("say", "")),
        why=[str(one) for one in answer.get("why") or []],
        sure=f"{sure:.2g}" if isinstance(sure, int | float) else "",
        engine=engine(str(answer.get("engine", ""))),
        rule=str(answer.get("rule", "")),
        tokens=count(tokens, "token") if tokens else "no tokens",
        raw=json.dumps({"question": question, "answer": answer}, indent=1, ensure_ascii=False),
        seal=seal,
        asked=asked,
    )


def told(steps: list[StepShown]) -> list[StepShown]:
    """Give each step the facts that the step before it did not have: the others stay folded."""
    known: set[tuple[str, str]] = set()
    shown_steps = []
    for step in steps:
        fresh = [fact for fact in step.facts if fact not in known]
        shown_steps.append(replace(step, fresh=fresh))
        known = set(step.facts) or known
    return shown_steps


def _asked(action: Action, now: Any) -> Asked:
    state = action.work.state if action.work else ""
    return Asked(
        deed=deed(action),
        state=action_state(action.verdict, action.outcome, state, action.reason),
        href=reverse("admin:action", args=[action.id]),
        at=Moment(action.decided_at, now),
    )


def _candidates(given: object, chosen: str) -> list[tuple[str, str, bool]]:
    if not isinstance(given, list):
        return []
    ways = [one for one in given if isinstance(one, dict)]
    return [
        (str(one.get("id", "")), str(one.get("title", "")), one.get("id") == chosen) for one in ways
    ]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
