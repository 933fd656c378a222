"""A run: question and answer side by side, step by step, and what it asked for."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ethops.pages.seals import Seal, seal_of
from ethops.pages.telling import engine
from ethops.pages.words import Moment, State, action_state, count, flat, run_state, short_span
from ethops.world import ledger_proofs, runs
from ethops.world.story import deed
from personas.models import Action, Run, Step
from personas.states import LIVE


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


@require_safe
def shown(request: HttpRequest, context: dict[str, Any], run_id: UUID) -> HttpResponse:
    """Draw a run."""
    found = runs.run(run_id)
    if found is None:
        raise Http404(f"There is no run {run_id}.")
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
    about = {
        **context,
        "title": f"Run {str(found.id)[:4]} {found.card_id}",
        "run": found,
        "short": str(found.id)[:4],
        "state": run_state(found.state),
        "steps": steps,
        "open_step": [one for later in asked.values() for one in later],
        "facts": facts(found, now),
        "ticket_href": reverse("admin:ticket", args=[found.ticket_ref]),
        "born": seal_of(seals.get(("run.born", str(found.id))), proven_to),
        "ended": seal_of(seals.get(("run.ended", str(found.id))), proven_to),
    }
    return TemplateResponse(request, "desk/run.html", about)


def facts(run: Run, now: Any) -> list[tuple[str, str]]:
    """Return what there is to know about a run beside its steps."""
    ended = run.ended_at or now
    word = "Took" if run.ended_at else "At work for"
    left = [("Over by", Moment(run.deadline, now).clock)] if run.state in LIVE else []
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
