"""A recorded run through today's code, with its recorded answers: the first decision that differs.

Pure. What was said by the world then (probes, the CMDB) is taken as it was recorded in the
questions; what follows from rows (what was tried, what came of it), what the rules answer, what a
plan asks for and how the run goes on is decided anew. What today's guards say is handed in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.inference.port import Answer, Inference, Question
from personas.runtime import facts
from personas.runtime.facts import Known
from personas.runtime.plan import Plan, Proposal, Situation, close, look_first, plan

WORDS: Final = frozenset({"text", "note", "solution", "tried", "asked"})
"""Arguments that are prose: another wording is no other decision."""
FROM_ROWS: Final = frozenset(
    {
        *("ticket.ref", "alert.join", "tried", "denied", "observed"),
        *("action.entry", "action.target", "action.outcome", "action.reason"),
    }
)
"""Facts that follow from the run's own rows alone."""


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """What a step asked for, as it stands in the rows."""

    key: str
    verb: str
    entry: str
    target: str
    args: Mapping[str, Any]
    verdict: str
    guard: str
    denies_today: str = ""
    """The guard that speaks against it today, of those that know no time; "" where none does."""
    timeless: bool = False
    """Whether the guard that denied it then is one of those."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step: what was asked, answered and planned, and the ticket's history before it."""

    number: int
    at: datetime
    question: Mapping[str, Any]
    answer: Mapping[str, Any]
    stage: str
    """Of its checkpoint: what the next step begins with."""
    next: str
    history: Sequence[Mapping[str, Any]]
    actions: Sequence[RecordedAction] = field(default=())


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it was."""

    id: str
    card: str
    ticket_ref: str
    joined: str
    inputs: Mapping[str, Any]
    steps: Sequence[RecordedStep]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where today's code decides otherwise: in which step, about what, then and today."""

    step: int
    what: str
    recorded: str
    today: str


def first_difference(run: RecordedRun, rules: Inference) -> Difference | None:
    """Walk the run; None where today's code would have gone the same way."""
    stage = str(run.inputs.get("first_question", ""))
    for step in run.steps:
        for found in _differences(run, step, stage, rules):
            return found
        stage = step.stage
    return None


def _differences(
    run: RecordedRun, step: RecordedStep, stage: str, rules: Inference
) -> Iterator[Difference]:
    kind = str(step.question.get("kind", ""))
    if kind == "look":
        yield from _plans(step, look_first(stage))
    elif kind == "close" or stage == "close":
        yield from _compared(step, "stage", kind, stage)
        yield from _plans(step, close([*map(dict, step.history)], run.id, step.number - 1))
    else:
        yield from _compared(step, "stage", kind, stage)
        yield from _asked(run, step, kind)
        answer = Answer.read(step.answer)
        yield from _answers(step, answer, rules)
        yield from _plans(step, plan(kind, answer, _situation(run, step)))
    for action in step.actions:
        yield from _judged(step, action)


def _asked(run: RecordedRun, step: RecordedStep, kind: str) -> Iterator[Difference]:
    """Compare what today's code makes of the rows with the facts and choices that were put."""
    known = Known(
        ticket_ref=run.ticket_ref,
        run=run.id,
        joined=run.joined,
        alert=run.inputs.get("alert") or {},
        history=step.history,
        ci=None,
        now=step.at,
    )
    then, now = step.question["facts"], facts.facts(known, kind)
    for name in sorted(FROM_ROWS & (then.keys() | now.keys())):
        yield from _compared(step, f"fact {name}", then.get(name), now.get(name))
    if kind != "diagnose":
        # What is on offer for a CI is the world's, and the gate's, to say.
        ids = [candidate.id for candidate in facts.candidates(known, kind)]
        put = [candidate["id"] for candidate in step.question["candidates"]]
        yield from _compared(step, "choices", put, ids)


def _answers(step: RecordedStep, answer: Answer, rules: Inference) -> Iterator[Difference]:
    """Ask today's rules again where rules answered; a model's answer stands as recorded."""
    if not answer.engine.startswith(rules.name):
        return
    today = rules.ask(Question.read(step.question))
    yield from _compared(
        step, "answer", f"{answer.choice} ({answer.rule})", f"{today.choice} ({today.rule})"
    )


def _situation(run: RecordedRun, step: RecordedStep) -> Situation:
    put = step.question["facts"]
    return Situation(
        ticket_ref=run.ticket_ref,
        ci_ref=str(put.get("ci.ref", "")),
        impact=int(put.get("ci.impact", 3)),
        escalates_to=str(run.inputs.get("escalates_to", "")),
        facts=put,
    )


def _plans(step: RecordedStep, today: Plan) -> Iterator[Difference]:
    asked = {action.key: action for action in step.actions}
    for proposal in today.proposals:
        then = asked.pop(proposal.key, None)
        yield from _compared(
            step, f"proposal {proposal.key}", _sentence(then, then), _sentence(proposal, then)
        )
    for action in asked.values():
        # A proposal that was refused before it was looked at is kept under a key of its own.
        if action.guard not in ("run", "token"):
            yield Difference(step.number, f"proposal {action.key}", _sentence(action, action), "")
    # The stage after the last step is nobody's.
    if step.next == today.next == "continue":
        yield from _compared(step, "next stage", step.stage, today.stage)
    yield from _compared(step, "how it goes on", step.next, today.next)


def _sentence(one: Proposal | RecordedAction | None, then: RecordedAction | None) -> str:
    if one is None:
        return ""
    said = f"{one.verb} {one.entry} on {one.target}".replace("  ", " ")
    # A play's arguments are the CI's, and of what was denied or redacted none were kept.
    if then is None or one.verb == "playbook.run" or not then.args:
        return said
    args = (f"{name}={value}" for name, value in sorted(one.args.items()) if name not in WORDS)
    return " ".join((said, *args))


def _judged(step: RecordedStep, action: RecordedAction) -> Iterator[Difference]:
    if action.verdict == "denied" and not action.timeless:
        return
    then = f"denied by {action.guard}" if action.verdict == "denied" else "let through"
    now = f"denied by {action.denies_today}" if action.denies_today else "let through"
    yield from _compared(step, f"guards about {action.key}", then, now)


def _compared(step: RecordedStep, what: str, then: object, now: object) -> Iterator[Difference]:
    if then != now:
        yield Difference(step.number, what, _shown(then), _shown(now))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
