"""One message, one job: claim, load, give way or begin, work, settle."""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from uuid import UUID

from django.db import connection

from adapters.inference.errors import (
    BusyError,
    InferenceError,
    ModelServerError,
    OverDeadlineError,
    RefusedOptionError,
    ServerSaidError,
    UnreachableError,
)
from adapters.json_value import JSON
from gpu import conf
from gpu.errors import GpuError, LoadFailedError, LostCardError, SlotRefusedError
from gpu.policy.view import Running
from gpu.states import FOREIGN, Doing, Ending, JobKind, PieceKind
from gpu.tiers import Tier
from gpu.worker import batches, channel, doors, holding, knowing, messages, residency, streaming
from gpu.worker.channel import Channel
from gpu.worker.current import Held
from gpu.worker.doors import Claim
from gpu.worker.order import seen_waiting
from gpu.worker.saying import Said
from gpu.worker.streaming import Broken, Unfinished
from gpu.worker.watch import Stop, Watch, gives_way

log = logging.getLogger(__name__)

REFUSALS = range(400, 500)
AGAIN_SECONDS = 2.0
BUSY_TIMES = 5
"""So many times longer than before is waited for a server that is asked too much."""
SLACK_SECONDS = 60.0
FAULTS_OF_A_SLOT = 3
"""So many failures in a row are the slot's, not the jobs'."""


class Outcome(Enum):
    """What becomes of the message."""

    DONE = "done"
    TO_HEAD = "to head"


def work(held: Held, job_id: UUID) -> Outcome:
    """Do one job as far as it may go; every fault ends in a row, never in a lost job."""
    with held.hands:
        if held.first is not None and held.first[0] != job_id:
            # The card is not free; the relay publishes this one again.
            return Outcome.DONE
        try:
            claim = doors.claim_job(held.name, held.fence, job_id, conf.lease_seconds())
            return Outcome.DONE if claim is None else _held(held, _bounded(held, claim))
        finally:
            held.first = None


def _bounded(held: Held, claim: Claim) -> Claim:
    """End what never ends: no answer takes twice the time that fills its model's context."""
    facts, slot = held.facts.slots.get(claim.slot), held.slots.get(claim.slot)
    if facts is None or slot is None or claim.kind in (JobKind.EMBED, JobKind.HOLD):
        return claim
    once = slot.context / facts.tokens_per_s + slot.context / facts.prefill_per_s
    longest = 2 * (once + facts.load_s) * held.clock.scale + held.clock.patience(SLACK_SECONDS)
    return replace(claim, deadline=min(claim.deadline, time.monotonic() + longest))


def _held(held: Held, claim: Claim) -> Outcome:
    held.busy = claim.id
    held.claims.add(claim.id)
    tells = Channel(channel.connect(), claim.id)
    try:
        return _work(held, claim, tells)
    except LostCardError:
        raise
    except LoadFailedError as fault:
        _shut(held, claim.slot, str(fault))
        mistrust(held, fault, hung=False)
        return _back(claim)
    except SlotRefusedError as fault:
        doors.finish_job(claim, Ending.FAILED, code=fault.code, error=str(fault))
        tells.end()
        return Outcome.DONE
    except Broken as broken:
        return _failed(held, claim, tells, broken.fault, broken.said)
    except InferenceError as fault:
        return _failed(held, claim, tells, fault)
    except Exception as fault:
        log.exception("job %s failed within the worker", claim.id)
        connection.close_if_unusable_or_obsolete()
        doors.try_again(claim, "gpu.worker", f"{type(fault).__name__}: {fault}", AGAIN_SECONDS)
        return Outcome.DONE
    finally:
        held.busy = None
        held.claims.clear()
        doors.show_card(
            held.name,
            held.fence,
            doing=Doing.SICK if held.sick else Doing.IDLE,
            job=None,
            policy=held.state.to_json(),
        )


def _work(held: Held, claim: Claim, tells: Channel) -> Outcome:
    if not _allowed(held, claim):
        tells.end()
        return Outcome.DONE
    if claim.slot not in held.state.resident and _must_give_way(held, claim):
        return _back(claim)
    load_s, swapped = residency.bring(held, claim)
    if swapped and _must_give_way(held, claim):
        return _back(claim)
    _begin(held, claim, load_s, swapped=swapped)
    outcome = Outcome.DONE
    if claim.kind == JobKind.EMBED:
        outcome = _embed(held, claim)
    elif claim.kind == JobKind.HOLD:
        with _stretch(held, claim) as watch:
            ended = holding.run(held, claim, watch)
        outcome = Outcome.DONE if ended else Outcome.TO_HEAD
    else:
        outcome = _stream(held, claim, tells)
    if held.works(claim.slot) and not held.half:
        doors.show_card(held.name, held.fence, fault="")
    if outcome is Outcome.DONE:
        tells.end()
        held.state = held.policy.finished(
            held.clock.now(), held.state, claim.tier, claim.slot, more=claim.more, run=_run(claim)
        )
    return outcome


def _allowed(held: Held, claim: Claim) -> bool:
    slot = held.slots.get(claim.slot)
    if claim.slot != FOREIGN and (slot is None or slot.fault):
        # A person may have mended it since the last look.
        knowing.refresh(held)
        slot = held.slots.get(claim.slot)
    if claim.slot == FOREIGN or (slot is not None and not slot.fault):
        return True
    code, why = (
        ("gpu.slot_fault", slot.fault) if slot else ("gpu.unknown_slot", "it is declared no more")
    )
    doors.finish_job(claim, Ending.FAILED, code=code, error=f"slot {claim.slot}: {why}")
    return False


def _must_give_way(held: Held, claim: Claim) -> bool:
    if claim.tier == Tier.OPS or held.first is not None:
        return False
    now = held.clock.now()
    return gives_way(held, Running(claim.tier, claim.slot, claim.kind == JobKind.EMBED, now))


def _begin(held: Held, claim: Claim, load_s: float, *, swapped: bool) -> None:
    now = held.clock.now()
    waiting = seen_waiting(held.clock, held)
    held.state = held.policy.began(
        now,
        waiting,
        held.state,
        claim.tier,
        claim.slot,
        held.clock.of(claim.arrival),
        _run(claim),
    )
    digest = held.slots[claim.slot].digest if claim.slot in held.slots else ""
    doors.begin_job(claim, load_s=load_s, swapped=swapped, digest=digest)
    expected = knowing.expected_end(held, claim, now)
    doors.show_card(
        held.name,
        held.fence,
        doing=Doing.RUNNING,
        tier=claim.tier,
        slot=claim.slot,
        job=claim.id,
        policy=held.state.to_json(),
        **({} if expected is None else {"free_in_s": (expected - now) * held.clock.scale}),
    )


def _stream(held: Held, claim: Claim, tells: Channel) -> Outcome:
    with _stretch(held, claim) as watch:
        try:
            streaming.run(held, claim, watch, tells)
        except Unfinished as stopped:
            watch.why = stopped.why
            busy = time.monotonic() - watch.began_at
            if stopped.why is Stop.CANCELLED:
                doors.finish_job(
                    claim,
                    Ending.CANCELLED,
                    code="gpu.cancelled",
                    error="nobody waits for it any more",
                    tokens_out=watch.tokens,
                    busy_s=busy,
                )
                return Outcome.DONE
            said = stopped.said
            told = tells.told or bool(claim.partial.get("told"))
            kept = said.kept(told=told) if said.tokens else {}
            return _back(claim, kept, said.tokens, busy)
    return Outcome.DONE


def _embed(held: Held, claim: Claim) -> Outcome:
    parts = batches.gather(held, claim, conf.lease_seconds())
    for part in parts[1:]:
        doors.begin_job(part.claim, load_s=0.0, swapped=False, digest=held.slots[claim.slot].digest)
    messages.withdraw(claim.queue, [part.claim.id for part in parts[1:]])
    everyone = [part.claim for part in parts]
    try:
        with _stretch(held, claim):
            left = batches.run(held, held.slots[claim.slot], parts)
    except ModelServerError as fault:
        for part in parts:
            if part.claim is not claim:
                _failed(held, part.claim, Channel(channel.connect(), part.claim.id), fault)
        raise
    now = held.clock.now()
    for done in everyone[1:]:
        held.state = held.policy.finished(now, held.state, done.tier, done.slot, more=False)
    outcome = Outcome.DONE
    # The last one first, so that they lie at the head in their order.
    for part in reversed(left):
        doors.put_back(part.claim, batches.kept(part), len(part.vectors), part.busy_s)
        if part.claim is claim:
            outcome = Outcome.TO_HEAD
        else:
            messages.send_to_head(part.claim.queue, part.claim.id)
    return outcome


@contextmanager
def _stretch(held: Held, claim: Claim) -> Iterator[Watch]:
    """One stretch of work: counted for the policy, and one piece of the card's time."""
    now = held.clock.now()
    watch = Watch(held, claim, now, knowing.expected_end(held, claim, now))
    ending = Ending.FAILED
    try:
        yield watch
        ending = {
            None: Ending.FINISHED,
            Stop.CANCELLED: Ending.CANCELLED,
        }.get(watch.why, Ending.PREEMPTED)
    finally:
        seconds = time.monotonic() - watch.began_at
        span = held.clock.span(seconds)
        held.state = held.policy.worked(held.state, claim.tier, claim.slot, span)
        if claim.kind != JobKind.HOLD:
            doors.note_piece(
                held.name,
                held.fence,
                kind=PieceKind.RUN,
                tier=claim.tier,
                slot=claim.slot,
                job=claim.id,
                seconds=seconds,
                ending=ending,
                tokens=watch.tokens,
            )


def _back(
    claim: Claim, partial: Mapping[str, JSON] | None = None, tokens: int = 0, busy_s: float = 0.0
) -> Outcome:
    kept = claim.partial if partial is None else partial
    said = claim.tokens_done if partial is None else tokens
    doors.put_back(claim, kept, said, busy_s)
    return Outcome.TO_HEAD


def _failed(
    held: Held, claim: Claim, tells: Channel, fault: InferenceError, said: Said | None = None
) -> Outcome:
    """Settle a fault of the server: for good where asking again cannot help, else later again.

    `said` is what a reader has heard and can be gone on from; other text cannot be taken back.
    """
    log.warning("job %s on %s: %s", claim.id, claim.slot, fault)
    if isinstance(fault, ModelServerError):
        mistrust(held, fault, hung=time.monotonic() < claim.deadline)
    told = tells.told or bool(claim.partial.get("told"))
    kept = said.kept(told=True) if said else None
    if isinstance(fault, UnreachableError) and (kept or not told):
        # The card is sick; the job waits for it, or for its own deadline.
        return _back(claim, kept, said.tokens if said else 0)
    if not _final(fault, claim) and held.fails(claim.slot) >= FAULTS_OF_A_SLOT:
        _shut(held, claim.slot, str(fault))
    if (told and kept is None) or _final(fault, claim):
        code = "gpu.over_deadline" if isinstance(fault, OverDeadlineError) else fault.code
        doors.finish_job(claim, Ending.FAILED, code=code, error=str(fault))
    else:
        doors.try_again(
            claim,
            fault.code,
            str(fault),
            _again_in(fault, claim) * held.clock.scale,
            partial=kept,
            tokens=said.tokens if said else 0,
        )
    tells.end()
    held.state = held.policy.finished(
        held.clock.now(), held.state, claim.tier, claim.slot, more=False, run=_run(claim)
    )
    return Outcome.DONE


def _again_in(fault: InferenceError, claim: Claim) -> float:
    """Return the seconds until the next try: of one that is busy more each time, in time."""
    if not isinstance(fault, BusyError):
        return AGAIN_SECONDS
    half = (claim.deadline - time.monotonic()) / 2
    return max(AGAIN_SECONDS, min(AGAIN_SECONDS * math.pow(BUSY_TIMES, claim.attempts), half))


def _shut(held: Held, slot: str, why: str) -> None:
    """Let a slot rest that fails again and again, whosever job it is; longer each time."""
    held.shut(slot)
    doors.show_card(held.name, held.fence, fault=f"slot {slot} rests: {why}")
    log.warning("slot %s of the card %s rests: %s", slot, held.name, why)


def mistrust(held: Held, fault: InferenceError | GpuError, *, hung: bool) -> None:
    """After a fault nothing is believed: what is resident is read anew, or the card is sick.

    A server that hung (and not only until the job's own time was over) is emptied, which frees
    its queue where that has come to a stand.
    """
    if _refused(fault):
        return
    try:
        if isinstance(fault, UnreachableError):
            raise fault
        if hung and isinstance(fault, OverDeadlineError):
            residency.empty(held)
        residency.read(held)
    except ModelServerError as still:
        held.sick = str(still)
        doors.show_card(held.name, held.fence, doing=Doing.SICK, fault=held.sick)
        log.warning("the card %s is not served: %s", held.name, held.sick)


def _final(fault: InferenceError, claim: Claim) -> bool:
    """Tell whether asking again cannot help."""
    if isinstance(fault, RefusedOptionError) or _refused(fault):
        return True
    return isinstance(fault, OverDeadlineError) and time.monotonic() >= claim.deadline


def _refused(fault: Exception) -> bool:
    """Tell whether the server refused the request; an error within a stream (200) is its own."""
    if isinstance(fault, BusyError):
        return False
    return isinstance(fault, ServerSaidError) and fault.status in REFUSALS


def _run(claim: Claim) -> str:
    return claim.principal if claim.tier == Tier.OPS else ""
