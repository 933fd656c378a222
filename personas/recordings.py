"""Reads a run as it was recorded, for its replay: steps, actions, and what guards say today."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from personas.errors import RunMissingError
from personas.models import Action, Run, Step
from personas.runtime.replaying import RecordedAction, RecordedRun, RecordedStep

TIMELESS: Final = frozenset({"card", "catalogue", "grant", "scope", "join", "lifeline", "pin"})
"""Guards that are asked again about what they denied; the arguments of that were not kept."""


def recorded_run(run_id: UUID) -> RecordedRun:
    """Return a run and its steps.

    Raises:
        RunMissingError: there is none.
    """
    run = Run.objects.select_related("intent").filter(id=run_id).first()
    if run is None:
        raise RunMissingError(f"there is no run {run_id}")
    around = list(
        Action.objects.select_related("run")
        .filter(Q(run=run) | Q(ticket_ref=run.ticket_ref, run__isnull=False))
        .order_by("decided_at")
    )
    return RecordedRun(
        id=str(run.id),
        card=run.card_id,
        ticket_ref=run.ticket_ref,
        joined=run.intent.joined,
        inputs=run.intent.inputs,
        steps=tuple(_step(run, step, around) for step in run.step_rows.order_by("number")),
    )


def _step(run: Run, step: Step, around: Sequence[Action]) -> RecordedStep:
    own = [one for one in around if one.run_id == run.id and one.step_number == step.number]
    return RecordedStep(
        number=step.number,
        at=step.started_at,
        question=step.question,
        answer=step.answer,
        stage=str(step.checkpoint.get("stage", "")),
        next=step.next,
        history=tuple(
            _as_known(one, step.started_at) for one in around if one.decided_at < step.started_at
        ),
        actions=tuple(_action(one) for one in own),
    )


def _as_known(one: Action, at: datetime) -> dict[str, Any]:
    """Return an action as a step at that time was told of it.

    A run goes on past an action of its own that has no outcome only where that is in doubt.
    """
    over = one.settled_at is not None and one.settled_at <= at
    return {
        "run": str(one.run_id),
        "step": one.step_number,
        "verb": one.verb,
        "entry": one.entry,
        "target": one.target,
        "verdict": one.verdict,
        "guard": one.guard,
        "reason": one.reason,
        "outcome": one.outcome if over else "",
        "result": one.result if over else {},
        "settled_at": one.settled_at.isoformat() if over and one.settled_at else None,
        "in_doubt": one.verdict == "authorised" and not over,
    }


def _action(one: Action) -> RecordedAction:
    asked_again = one.verdict != "denied" or one.guard in TIMELESS
    return RecordedAction(
        key=one.key,
        verb=one.verb,
        entry=one.entry,
        target=one.target,
        args=one.args,
        verdict=one.verdict,
        guard=one.guard,
        denies_today=_denies(one.id) if asked_again else "",
        timeless=one.guard in TIMELESS,
    )


def _denies(action: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT guard FROM gate.judge_again(%s)", [action])
        row = cursor.fetchone()
    return str(row[0]) if row else ""
