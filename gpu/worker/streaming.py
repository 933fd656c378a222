"""One text job: streamed token by token, stopped where it has to, answered once it is whole."""

import dataclasses
import math
import time
from collections.abc import Generator, Mapping
from typing import Any

from adapters.inference import rendering
from adapters.inference.errors import (
    MalformedAnswerError,
    ModelServerError,
    OversizeError,
    StoppedError,
)
from adapters.inference.ollama import Chunk
from adapters.inference.port import Question
from adapters.json_value import JSON
from gpu.models import Slot
from gpu.states import Ending, JobKind
from gpu.worker import doors, saying
from gpu.worker.channel import Channel
from gpu.worker.current import Held
from gpu.worker.doors import Claim
from gpu.worker.saying import Said
from gpu.worker.watch import Stop, Watch

ATTEMPTS_AT_AN_ANSWER = 2
"""A model that breaks its schema is told so and asked once more; then there is no answer."""


class Unfinished(Exception):  # noqa: N818 - no fault: the job has to stop
    """The job stopped before its end."""

    def __init__(self, why: Stop, said: Said) -> None:
        super().__init__(why)
        self.why = why
        self.said = said


class Broken(Exception):  # noqa: N818 - the fault itself comes along
    """The server failed while a reader listened: what he has heard can be gone on from."""

    def __init__(self, fault: ModelServerError, said: Said) -> None:
        super().__init__(fault)
        self.fault = fault
        self.said = said


def run(held: Held, claim: Claim, watch: Watch, tells: Channel) -> Ending:
    """Stream one job to its end and settle it.

    Raises:
        Unfinished: it had to stop; what it has said comes along.
        Broken: the server failed after a reader has heard a part that can be gone on from.
        ModelServerError: the server failed.
    """
    slot = held.slots[claim.slot]
    if claim.kind == JobKind.QUESTION:
        return _question(held, claim, slot, watch)
    began = time.monotonic()
    said, live = _said(held, slot, claim, watch, tells)
    if claim.streams and not live:
        tells.chunk(said.text, said.thinking, said.calls, at=0)
    learn(held, slot, said.last, said.tokens)
    _settle(claim, said, began, saying.answer(claim.kind, said))
    return Ending.FINISHED


def _said(held: Held, slot: Slot, claim: Claim, watch: Watch, tells: Channel) -> tuple[Said, bool]:
    """Stream one job to its end; returns all that was said, and whether it was told live."""
    continued = saying.may_continue(slot.continues, claim.kind, claim.request, bound=claim.bound)
    live = saying.tells_live(claim.tier, streams=claim.streams, continued=continued)
    before = Said(text=str(claim.partial.get("text", "")), before=claim.tokens_done)
    how, body, said = claim.kind, claim.request, Said()
    if before.before and continued:
        said, watch.tokens = before, before.tokens
        whole = saying.whole_at_its_limit(claim.request, before)
        if whole is not None:
            return whole, live
        how, body = saying.continuation(claim.kind, claim.request, before)
    try:
        for chunk in _stream(held, slot, claim, how, body, watch):
            at = len(said.text) + len(said.thinking)
            said = said.plus(chunk)
            watch.tokens = said.tokens
            # What thinks is begun anew: a continued answer would be without its thoughts.
            continued = continued and not said.thinking
            live = live and saying.tells_live(claim.tier, streams=True, continued=continued)
            if live and (chunk.text or chunk.thinking or chunk.tool_calls):
                tells.chunk(chunk.text, chunk.thinking, chunk.tool_calls, at=at)
            if not chunk.done and watch.stop():
                raise Unfinished(watch.why or Stop.LEAVING, said if continued else Said())
    except StoppedError as fault:
        # Asked while nothing came: what came before stays.
        raise Unfinished(watch.why or Stop.LEAVING, said if continued else Said()) from fault
    except ModelServerError as fault:
        # What nobody has heard is begun anew instead: a broken server's words are worth little.
        if continued and tells.told and said.text and not said.last:
            raise Broken(fault, said) from fault
        raise
    return said, live


def _question(held: Held, claim: Claim, slot: Slot, watch: Watch) -> Ending:
    began = time.monotonic()
    question = Question.read(claim.request["question"])
    try:
        prompt = rendering.render(question, slot.context)
    except OversizeError as fault:
        _refuse(claim, fault.code, str(fault))
        return Ending.FAILED
    body, fault_said = prompt.body(), ""
    for _attempt in range(ATTEMPTS_AT_AN_ANSWER):
        said = _whole(held, slot, claim, body, watch)
        learn(held, slot, said.last, said.tokens)
        try:
            parsed = rendering.parse(
                said.text,
                question,
                engine=f"{slot.name} ({slot.model})",
                elapsed_us=round((time.monotonic() - began) * 1_000_000),
                tokens_in=said.last.tokens_in if said.last else 0,
                tokens_out=said.tokens,
            )
        except MalformedAnswerError as fault:
            fault_said = str(fault)
            body = rendering.asked_again(prompt.body(), said.text, fault_said)
            continue
        _settle(claim, said, began, dataclasses.asdict(parsed))
        return Ending.FINISHED
    _refuse(claim, MalformedAnswerError.code, fault_said, time.monotonic() - began)
    return Ending.FAILED


def _whole(held: Held, slot: Slot, claim: Claim, body: Mapping[str, Any], watch: Watch) -> Said:
    """Return an answer that counts only when it is whole; a stopped one is begun anew."""
    said = Said()
    try:
        for chunk in _stream(held, slot, claim, JobKind.CHAT, body, watch):
            said = said.plus(chunk)
            watch.tokens = said.tokens
            if not chunk.done and watch.stop():
                raise Unfinished(watch.why or Stop.LEAVING, Said())
    except StoppedError as fault:
        raise Unfinished(watch.why or Stop.LEAVING, Said()) from fault
    return said


def _stream(
    held: Held, slot: Slot, claim: Claim, how: str, body: Mapping[str, Any], watch: Watch
) -> Generator[Chunk, None, None]:
    ask = held.server.stream_generate if how == JobKind.GENERATE else held.server.stream_chat
    stream = ask(
        slot.model,
        slot.options,
        body,
        deadline=claim.deadline,
        label=claim.label,
        stop=watch.stop,
    )
    try:
        yield from stream
    finally:
        stream.close()


def _settle(claim: Claim, said: Said, began: float, answer: Mapping[str, JSON]) -> None:
    doors.finish_job(
        claim,
        Ending.FINISHED,
        answer=answer,
        tokens_in=said.asked,
        tokens_out=said.tokens,
        busy_s=time.monotonic() - began,
    )


def _refuse(claim: Claim, code: str, why: str, busy_s: float = 0.0) -> None:
    doors.finish_job(claim, Ending.FAILED, code=code, error=why, busy_s=busy_s)


def learn(held: Held, slot: Slot, last: Chunk | None, tokens: int) -> None:
    """Add what the server measured to the slot's means."""
    if last is None:
        return
    span = held.clock.span
    speed = last.tokens_out / span(last.eval_s) if last.eval_s > 0 and last.tokens_out else None
    prefill = (
        last.tokens_in / span(last.prompt_s) if last.prompt_s > 0 and last.tokens_in > 50 else None
    )
    doors.measure(
        slot.name,
        tokens_per_s=None if speed is None or math.isinf(speed) else speed,
        prefill_per_s=prefill,
        tokens_out=float(tokens),
    )
