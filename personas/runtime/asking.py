"""Who answers a step's question: the rules in place, or a model through the GPU's queue."""

import dataclasses

from adapters import registry
from adapters.inference import rendering
from adapters.inference.errors import OversizeError
from adapters.inference.port import Answer, Question, QuestionKind
from gpu import thinking
from gpu.models import Slot
from personas import conf, gate
from personas.gate import StepClaim
from personas.runtime import facts
from personas.runtime.facts import Known

DEADLINE_SECONDS = 300.0
"""So long a step waits for a model; then the rules are asked."""


def ask(claim: StepClaim, known: Known, kind: QuestionKind) -> tuple[Question, Answer] | None:
    """Return the question and its answer; None where a model has been asked and the step waits.

    A model that gives no answer that counts decides nothing: the rules are asked in its place,
    by what is known now, and where they know nothing they hand over to a person.
    """
    slot = _slot(claim)
    asked = gate.asked_model(claim=claim) if slot else None
    if asked is not None and asked.state == "done" and asked.answer is not None:
        return Question.read(asked.question), Answer.read(asked.answer)
    question = facts.question(known, kind, claim.card)
    if slot is None:
        return question, registry.inference().ask(question)
    if asked is not None and asked.over:
        return question, by_rules(question, asked.slot, asked.error_code or "no reason was given")
    try:
        tokens = rendering.render(question, slot.context).tokens_estimate
    except OversizeError as fault:
        return question, by_rules(question, slot.name, str(fault))
    gate.ask_model(
        claim=claim,
        slot=slot.name,
        question=dataclasses.asdict(question),
        tokens=tokens,
        deadline_seconds=DEADLINE_SECONDS,
    )
    return None


def by_rules(question: Question, slot: str, fault: str) -> Answer:
    """Return what the rules say where a model said nothing that counts; the reasons say so."""
    answer = registry.inference().ask(question)
    return dataclasses.replace(
        answer,
        engine=f"{answer.engine} ({slot} gave no answer)",
        why=(*answer.why, f"the model of slot {slot} gave no answer that counts: {fault[:160]}"),
    )


def _slot(claim: StepClaim) -> Slot | None:
    return None if conf.inference() == "rules" else thinking.slot_of(claim.inputs.get("slot"))
