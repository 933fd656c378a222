"""What came of plays that were really run on somebody's confidence, from the recorded rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery

from personas.evaluation.calibration import Calibration, Outcome, calibration
from personas.models import Action, Step


@dataclass(frozen=True, slots=True)
class Act:
    """One play of an ended run, and the answer that asked for it."""

    run: UUID
    step: int
    card: str
    engine: str
    confidence: float
    done: bool
    resolved: bool
    """Whether its run then found the CI well, and resolved the incident."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one engine's confidence holds in the hands of one card."""

    card: str
    engine: str
    calibration: Calibration


def standings(acts: Iterable[Act]) -> list[Standing]:
    """Return the figures per card and engine; confidence of one engine says nothing of another's.

    A play came true where it was done, was the last of its run, and the run then resolved its
    incident: what went before did not help.
    """
    found: dict[tuple[str, str], list[Outcome]] = {}
    for run in _by_run(acts).values():
        last = max(act.step for act in run)
        for act in run:
            true = act.done and act.resolved and act.step == last
            outcome = Outcome(act.confidence, true)
            found.setdefault((act.card, act.engine), []).append(outcome)
    return [Standing(*key, calibration(found[key])) for key in sorted(found)]


def _by_run(acts: Iterable[Act]) -> Mapping[UUID, Sequence[Act]]:
    runs: dict[UUID, list[Act]] = {}
    for act in acts:
        runs.setdefault(act.run, []).append(act)
    return runs


def acts(since: datetime) -> Iterator[Act]:
    """Yield the settled plays of ended runs since then; one that only looks promises nothing."""
    answer = Step.objects.filter(run=OuterRef("run"), number=OuterRef("step_number"))
    resolve = Action.objects.filter(
        run=OuterRef("run"), verb="ticket.resolve", verdict="authorised", outcome="done"
    )
    rows = (
        Action.objects.filter(
            verb="playbook.run",
            verdict="authorised",
            outcome__in=("done", "failed"),
            decided_at__gte=since,
            run__ended_at__isnull=False,
        )
        .exclude(risk="none")
        .annotate(said=Subquery(answer.values("answer")[:1]), resolved=Exists(resolve))
        .values("run_id", "step_number", "run__card_id", "outcome", "said", "resolved")
    )
    for row in rows.iterator():
        act = _act(row)
        if act is not None:
            yield act


def _act(row: Mapping[str, Any]) -> Act | None:
    said = row["said"] or {}
    confidence = said.get("confidence")
    if not isinstance(confidence, int | float):
        return None
    engine = str(said.get("engine", ""))
    return Act(
        run=row["run_id"],
        step=row["step_number"],
        card=row["run__card_id"],
        # Where the rules stood in for a model, it was still the rules that were this sure.
        engine="rules" if engine.startswith("rules ") else engine,
        confidence=float(confidence),
        done=row["outcome"] == "done",
        resolved=row["resolved"],
    )
