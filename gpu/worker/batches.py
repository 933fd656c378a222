"""Embeddings: jobs that wait together go in one call, and large ones in chunks.

Between two chunks the card is given to operations, and the vectors so far are kept.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from adapters.inference.errors import BusyError, OverDeadlineError, ServerSaidError
from adapters.inference.ollama import Embedded
from adapters.json_value import JSON
from gpu.models import Slot
from gpu.states import Ending, JobKind
from gpu.tiers import RANK, Tier
from gpu.worker import channel, doors
from gpu.worker.channel import Channel
from gpu.worker.current import Held
from gpu.worker.doors import Claim
from gpu.worker.order import Placement, seen_waiting

CHUNK = 64
"""Inputs per call: the server embeds one after the other, so that a chunk costs nothing more."""
CALL_SLACK_SECONDS = 30.0
"""A call may take four times what was measured and this; then something is wedged."""
SERVER_FAULTS = 500


@dataclass
class Part:
    """One job of a batch: its inputs, the vectors that it has, and why it gets no more."""

    claim: Claim
    vectors: list[list[float]] = field(default_factory=list)
    tokens_in: int = 0
    busy_s: float = 0.0
    fault: ServerSaidError | None = None

    @property
    def left(self) -> list[str]:
        """Inputs that have no vector yet."""
        return list(self.claim.request["input"][len(self.vectors) :])

    @property
    def tokens_each(self) -> int:
        """Tokens of one input, about."""
        return max(1, self.claim.tokens_asked // max(1, len(self.claim.request["input"])))


Chosen = list[tuple[Part, list[str]]]


def gather(held: Held, first: Claim, lease_s: float) -> list[Part]:
    """Claim further jobs of the first one's queue, as many as the policy lets go together."""
    call = held.policy.call(
        held.clock.now(), seen_waiting(held.clock, held), held.state, first.slot, held.facts
    )
    parts, tokens = [_part(first)], first.tokens_asked
    if call.jobs <= 1 or first.attempts > 1:
        return parts
    for other in doors.company(first.queue, JobKind.EMBED, call.jobs - 1):
        tokens += other.tokens
        if tokens > call.tokens or other.manner != _manner(first):
            break
        claim = doors.claim_job(held.name, held.fence, other.id, lease_s)
        if claim is not None:
            held.claims.add(claim.id)
            parts.append(_part(claim))
    return parts


def run(held: Held, slot: Slot, parts: list[Part]) -> list[Part]:
    """Embed until all is done or the card is wanted; returns the parts that are not whole.

    Raises:
        ModelServerError: the server failed; the parts that remain in `parts` are not settled.
    """
    while parts:
        _as_long_as_each_lasts(held, slot, parts)
        for part in [part for part in parts if part.fault or not part.left]:
            _settle(part)
            parts.remove(part)
        if parts and _wanted(held, parts[0].claim):
            break
        for part in [part for part in parts if doors.cancel_asked(part.claim.id)]:
            _drop(part)
            parts.remove(part)
    return parts


def _as_long_as_each_lasts(held: Held, slot: Slot, parts: list[Part]) -> None:
    """Make the next call; where the time of some ended it, the others are in another."""
    try:
        _chunk(held, slot, _chosen(held, parts))
    except OverDeadlineError as fault:
        over = [part for part in parts if part.claim.deadline <= time.monotonic()]
        if len(over) in (0, len(parts)):
            raise
        # A server that hangs does so in the next call, too, and is found out there.
        for part in over:
            _end(part, fault)
            parts.remove(part)


def kept(part: Part) -> dict[str, JSON]:
    """Return what is stored of a part that has to wait."""
    return {"vectors": list(part.vectors), "tokens_in": part.tokens_in}


def _chosen(held: Held, parts: list[Part]) -> Chosen:
    """Return the inputs of the next call, in their order; one always goes, however long."""
    slot = parts[0].claim.slot
    tokens = held.policy.call(held.clock.now(), (), held.state, slot, held.facts).tokens
    room, chosen = CHUNK, Chosen()
    left = tokens or math.inf
    for part in parts:
        fitting = max(0, int(min(room, left // part.tokens_each)))
        inputs = part.left[: fitting if chosen else max(fitting, 1)]
        if inputs or not part.left:
            chosen.append((part, inputs))
        room -= len(inputs)
        left -= len(inputs) * part.tokens_each
        if len(inputs) < len(part.left):
            break
    return chosen


def _chunk(held: Held, slot: Slot, chosen: Chosen) -> None:
    """Make one call; where an input is refused, one call for each part finds out whose."""
    try:
        _call(held, slot, chosen)
    except BusyError:
        # Nobody's input is refused, and asking at once is what is not wanted.
        raise
    except ServerSaidError as fault:
        if len(chosen) == 1:
            raise
        for part, inputs in chosen:
            try:
                _call(held, slot, [(part, inputs)])
            except BusyError:
                raise
            except ServerSaidError as own:
                part.fault = own
        if all(part.fault and part.fault.status >= SERVER_FAULTS for part, _ in chosen):
            # Nobody's input in particular: the server is broken.
            for part, _ in chosen:
                part.fault = None
            raise fault from None


def _call(held: Held, slot: Slot, chosen: Chosen) -> None:
    count = sum(len(inputs) for _, inputs in chosen)
    if count == 0:
        return
    began = time.monotonic()
    made = _embed(held, slot, chosen)
    seconds, offset = time.monotonic() - began, 0
    for part, inputs in chosen:
        vectors = made.vectors[offset : offset + len(inputs)]
        part.vectors += [list(vector) for vector in vectors]
        part.tokens_in += round(made.tokens_in * len(inputs) / count)
        part.busy_s += seconds * len(inputs) / count
        offset += len(inputs)
    if made.tokens_in > 50 and seconds > 0:
        doors.measure(slot.name, prefill_per_s=made.tokens_in / held.clock.span(seconds))


def _embed(held: Held, slot: Slot, chosen: Chosen) -> Embedded:
    first = chosen[0][0].claim
    tokens = sum(part.tokens_each * len(inputs) for part, inputs in chosen)
    expected = tokens / held.facts.slots[slot.name].prefill_per_s * held.clock.scale
    return held.server.embed(
        slot.model,
        slot.options,
        [text for _, inputs in chosen for text in inputs],
        first.request.get("truncate"),
        first.request.get("dimensions"),
        deadline=min(
            time.monotonic() + 4 * expected + held.clock.patience(CALL_SLACK_SECONDS),
            *(part.claim.deadline for part, _ in chosen),
        ),
        label=",".join(part.claim.label for part, _ in chosen if part.claim.label),
    )


def _settle(part: Part) -> None:
    answer: dict[str, Any] | None = {"embeddings": list(part.vectors)}
    doors.finish_job(
        part.claim,
        Ending.FAILED if part.fault else Ending.FINISHED,
        answer=None if part.fault else answer,
        code=part.fault.code if part.fault else "",
        error=str(part.fault or ""),
        tokens_in=part.tokens_in,
        tokens_out=0,
        busy_s=part.busy_s,
    )
    Channel(channel.connect(), part.claim.id).end()


def _end(part: Part, fault: OverDeadlineError) -> None:
    doors.finish_job(
        part.claim,
        Ending.FAILED,
        code="gpu.over_deadline",
        error=str(fault),
        tokens_in=part.tokens_in,
        busy_s=part.busy_s,
    )
    Channel(channel.connect(), part.claim.id).end()


def _drop(part: Part) -> None:
    doors.finish_job(
        part.claim,
        Ending.CANCELLED,
        code="gpu.cancelled",
        error="nobody waits for it any more",
        tokens_in=part.tokens_in,
        busy_s=part.busy_s,
    )


def _wanted(held: Held, claim: Claim) -> bool:
    if held.leaving:
        return True
    if RANK[claim.tier] == 0 or not doors.ops_wait():
        return False
    takes = Placement(held)
    waiting = seen_waiting(held.clock, held)
    return any(one.tier == Tier.OPS and takes(one.tier, one.slot) for one in waiting)


def _manner(claim: Claim) -> tuple[object, object]:
    return claim.request.get("truncate"), claim.request.get("dimensions")


def _part(claim: Claim) -> Part:
    vectors = claim.partial.get("vectors") or []
    return Part(claim, [list(each) for each in vectors], int(claim.partial.get("tokens_in") or 0))
