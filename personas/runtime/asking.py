"""Who answers a step's question: the rules in place, or a model through the GPU's queue."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from adapters import registry
from adapters.inference import rendering
from adapters.inference.errors import OversizeError
from adapters.inference.port import ESCALATE, Answer, Candidate, Question, QuestionKind
from adapters.json_value import JSON
from gpu import thinking
from gpu.models import Slot
from personas import conf, gate
from personas.gate import StepClaim
from personas.runtime import context as gathering
from personas.runtime.context import Context

DEADLINE_SECONDS = 300.0
"""So long a step waits for a model; then the matter goes to a person."""


def ask(claim: StepClaim, context: Context, kind: QuestionKind) -> tuple[Question, Answer] | None:
    """Return the question and its answer; None where a model has been asked and the step waits."""
    slot = _slot(claim)
    asked = gate.asked_model(claim=claim) if slot else None
    if asked is not None and asked.over:
        question = _question(asked.question)
        return question, _answer(asked)
    question = Question(
        kind=kind,
        card=claim.card,
        facts=gathering.facts(context, kind),
        candidates=gathering.candidates(context, kind),
    )
    if slot is None:
        return question, registry.inference().ask(question)
    try:
        tokens = rendering.render(question, slot.context).tokens_estimate
    except OversizeError as fault:
        return question, _nobody(slot.name, str(fault))
    gate.ask_model(
        claim=claim,
        slot=slot.name,
        question=as_json(question),
        tokens=tokens,
        deadline_seconds=DEADLINE_SECONDS,
    )
    return None


def as_json(question: Question) -> dict[str, JSON]:
    """Return a question as steps and jobs keep it."""
    return {
        "kind": question.kind,
        "card": question.card,
        "facts": dict(question.facts),
        "candidates": [dataclasses.asdict(candidate) for candidate in question.candidates],
    }


def _slot(claim: StepClaim) -> Slot | None:
    return None if conf.inference() == "rules" else thinking.slot_of(claim.inputs.get("slot"))


def _question(said: Mapping[str, Any]) -> Question:
    return Question(
        kind=said["kind"],
        card=said["card"],
        facts=said["facts"],
        candidates=tuple(Candidate(**each) for each in said["candidates"]),
    )


def _answer(asked: gate.Asked) -> Answer:
    if asked.state != "done" or asked.answer is None:
        return _nobody(asked.slot, asked.error_code or "no reason was given")
    return Answer(**{**asked.answer, "why": tuple(asked.answer["why"])})


def _nobody(slot: str, why: str) -> Answer:
    """A model that does not answer decides nothing: a person is asked."""
    return Answer(
        choice=ESCALATE,
        say=f"The model of slot {slot} gave no answer that counts.",
        why=(why[:200],),
        confidence=0.0,
        engine=f"{slot} (no answer)",
        rule="",
        elapsed_us=0,
    )
