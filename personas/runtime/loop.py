"""One step of one run: claim, gather, ask, plan, propose, checkpoint.

A crash anywhere repeats the step: proposals are idempotent on (step, key), and the step is
taken once, by whoever still holds its fence.
"""

import dataclasses
import logging
from typing import cast

from django.db import connection

from adapters.inference.port import Question, QuestionKind
from adapters.json_value import JSON
from audit.work.leases import Keeper
from personas import conf, gate
from personas.incarnation import Incarnation
from personas.runtime import asking, facts, fulfilling
from personas.runtime import context as gathering
from personas.runtime.facts import Known
from personas.runtime.plan import Plan, Situation, close, look_first, plan

log = logging.getLogger(__name__)

_keeper: list[Keeper] = []


def drain() -> int:
    """Take steps until there is none; returns how many were taken."""
    taken = 0
    while (claim := _claim()) is not None:
        with _leases().hold(claim.work_id, claim.fence):
            _take(claim)
        taken += 1
    return taken


def _claim() -> gate.StepClaim | None:
    # By the file alone nobody thinks either: the gate may not have heard of it yet.
    if conf.stop_file().exists():
        return None
    return gate.claim_step(lease_seconds=conf.lease_seconds(), signer=Incarnation.mint())


def _leases() -> Keeper:
    if not _keeper:
        _keeper.append(Keeper(float(conf.lease_seconds())))
    return _keeper[0]


def _take(claim: gate.StepClaim) -> None:
    try:
        _step(claim)
    except Exception as fault:  # the one boundary of this worker: the step is tried again
        log.exception("step %s of run %s failed", claim.number, claim.run_id)
        connection.close_if_unusable_or_obsolete()
        error = f"{type(fault).__name__}: {fault}"
        gate.release_step(work_id=claim.work_id, fence=claim.fence, error=error)


def _step(claim: gate.StepClaim) -> None:
    stage = str(claim.checkpoint.get("stage") or claim.inputs["first_question"])
    if stage == "close":
        ended = close(claim.history, str(claim.run_id), claim.number - 1)
        _finish(claim, {"kind": "close"}, {"choice": ended.next}, ended)
        return
    if stage == fulfilling.STAGE:
        _fulfil(claim)
        return
    known = gathering.gather(claim)
    if stage == "diagnose" and facts.probes_look_first(known):
        _finish(claim, {"kind": "look"}, {"choice": "wait"}, look_first(stage))
        return
    asked = asking.ask(claim, known, cast("QuestionKind", stage))
    if asked is None:
        return
    question, answer = asked
    chosen = plan(stage, answer, _situation(claim, known, question))
    _propose(claim, chosen)
    _finish(claim, dataclasses.asdict(question), dataclasses.asdict(answer), chosen)


def _fulfil(claim: gate.StepClaim) -> None:
    """Do the next step of a request: what follows is fixed, so nobody is asked."""
    chosen = fulfilling.fulfil(
        claim.inputs[fulfilling.STAGE],
        history=claim.history,
        run=str(claim.run_id),
        ticket_ref=claim.ticket_ref,
        escalates_to=str(claim.inputs["escalates_to"]),
    )
    _propose(claim, chosen)
    verbs = [proposal.entry or proposal.verb for proposal in chosen.proposals]
    _finish(claim, {"kind": fulfilling.STAGE}, {"choice": " ".join(verbs) or "wait"}, chosen)


def _propose(claim: gate.StepClaim, chosen: Plan) -> None:
    for proposal in chosen.proposals:
        gate.propose(
            claim=claim,
            **{f.name: getattr(proposal, f.name) for f in dataclasses.fields(proposal)},
        )


def _situation(claim: gate.StepClaim, known: Known, question: Question) -> Situation:
    return Situation(
        ticket_ref=claim.ticket_ref,
        ci_ref=known.ci.ref if known.ci else "",
        impact=known.ci.impact if known.ci else 3,
        escalates_to=str(claim.inputs["escalates_to"]),
        facts=question.facts,
        may_write_page=known.may_write_page,
    )


def _finish(
    claim: gate.StepClaim, question: dict[str, JSON], answer: dict[str, JSON], chosen: Plan
) -> None:
    said = gate.finish_step(
        claim=claim,
        question=question,
        answer=answer,
        checkpoint={"stage": chosen.stage},
        next_=chosen.next,
        wait_seconds=chosen.wait_seconds,
        summary=chosen.summary,
    )
    if said == "late":
        log.warning("step %s of run %s was lost meanwhile", claim.number, claim.run_id)
