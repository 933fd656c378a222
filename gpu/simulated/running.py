"""One request on the simulated card: its turn, its times, its tokens, and what may go wrong.

Every wait ends at an absolute time reckoned from the start of the job, so no drift adds up. Only
where the whole machine stood still did its card stand still with it: what would have been said
meanwhile is said afterwards, at its pace.
"""

import asyncio
import json
import math
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

from adapters.inference.port import Inference
from adapters.json_value import JSON
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.events import EventLog, Label
from gpu.simulated.faults import IN_STREAM, Fault, Faults
from gpu.simulated.replies import Reply, Text
from gpu.simulated.requests import RefusedError
from gpu.simulated.scheduler import BusyError, LoadError, Runner, Scheduler
from gpu.simulated.vectors import vector

GROUP_S: Final = 0.015
"""Tokens that take less than this together are sent together."""
STOOD_STILL_S: Final = 0.5
"""Who is later than this is not slow: nothing of this process ran, or nobody took the tokens."""
JOBS_KEPT: Final = 10_000
BUSY: Final = "server busy, please try again.  maximum pending requests exceeded"
NO_ANSWER: Final = '{"choice": "format_every_disk", "why": "because"'


class CutError(Exception):
    """The connection is to end here, without a last line."""


class SaidError(Exception):
    """A line with an error ends the stream, which else ends properly."""


class Sink(Protocol):
    """Where a stream goes."""

    async def piece(self, text: str, *, thinking: bool) -> None:
        """Send tokens."""
        ...

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of the card; `keep_alive` is seconds of the card."""

    model: SimulatedModel
    options: Mapping[str, JSON]
    keep_alive: float | None
    jobs: tuple[Label, ...] = ()
    words: int = 0
    """Words of the prompt, a beginning of the answer in it included."""
    done: int = 0
    """Words of the answer that the prompt holds already."""


@dataclass(slots=True)
class Spent:
    """What a request took; times are real seconds since its arrival, as Ollama states them."""

    arrived: float = field(default_factory=time.monotonic)
    load_s: float = 0.0
    prompt_s: float = 0.0
    eval_s: float = 0.0
    words: int = 0
    tokens: int = 0

    @property
    def total_s(self) -> float:
        """Return the time since the request arrived."""
        return time.monotonic() - self.arrived


class Machine:
    """The card, its scheduler, its log and its faults."""

    def __init__(self, card: SimulatedCard, log: EventLog, engine: Inference) -> None:
        self.card = card
        self.log = log
        self.engine = engine
        self.faults = Faults()
        self.scheduler = Scheduler(card, log, self.faults)
        self.counts: Counter[str] = Counter()
        self.running: dict[int, tuple[Label, ...]] = {}
        self._targets: OrderedDict[Label, int] = OrderedDict()
        self._over: OrderedDict[Label, int] = OrderedDict()

    def target(self, jobs: Sequence[Label], wanted: int, done: int) -> int:
        """Return how long a job's answer gets in all: what it asked for when it began.

        A job that is continued may ask for the whole again, or for the rest alone.
        """
        if not jobs:
            return wanted
        if not done:
            _keep(self._targets, jobs[0], wanted)
        return self._targets.get(jobs[0], wanted)

    async def load(self, work: Work, spent: Spent) -> None:
        """Make the model resident, and nothing else."""
        async with self._runner(work, spent):
            pass

    async def generate(self, work: Work, reply: Reply, sink: Sink, spent: Spent) -> None:
        """Evaluate the prompt, then send the reply token by token.

        A label names one job, and a job ends once. Who stops it while its last tokens are on
        their way does not know that it has ended, and asks for the rest: that comes at once,
        costs the card nothing and is not logged. So `finished` is written exactly once, with
        the last token, and nothing can leave in between.
        """
        if work.jobs and all(job in self._over for job in work.jobs):
            await self._rest(work, reply, sink, spent)
            return
        async with self._runner(work, spent) as runner, self._turn(work, runner) as turn:
            fault = self.faults.take(work.model.name, *IN_STREAM)
            if fault is not None and fault.kind == "wrong_answer":
                reply, fault = Text(NO_ANSWER), None
            turn.tokens = work.done
            await self._prefill(work, turn, spent)
            begun = turn.due
            last = reply.tokens if fault is None else min(fault.after_tokens, reply.tokens)
            await self._decode(work, reply, last, sink, turn)
            if fault is not None:
                await self._act(fault, sink)
            spent.tokens = reply.tokens
            spent.eval_s = time.monotonic() - begun
            for job in work.jobs:
                _keep(self._over, job, turn.tokens)

    async def _rest(self, work: Work, reply: Reply, sink: Sink, spent: Spent) -> None:
        for begin, end in ((0, reply.first), (reply.first, reply.tokens)):
            if begin < end:
                await sink.piece(reply.text(begin, end), thinking=end == reply.first)
        self.counts["asked_after_the_end"] += 1
        spent.words, spent.tokens = work.words, reply.tokens

    async def embed(
        self, work: Work, inputs: Sequence[str], dimensions: int, spent: Spent
    ) -> list[list[float]]:
        """Return a vector for each input, one input after another on the card."""
        async with self._runner(work, spent) as runner, self._turn(work, runner) as turn:
            fault = self.faults.take(work.model.name, *IN_STREAM)
            await self._prefill(work, turn, spent)
            if fault is not None:
                await self._spoil(fault)
            return [vector(text, work.model.dimensions, dimensions) for text in inputs]

    # ------------------------------------------------------------ its turn

    @asynccontextmanager
    async def _runner(self, work: Work, spent: Spent) -> AsyncIterator[Runner]:
        self.counts["requests"] += 1
        if self.faults.take(work.model.name, "busy"):
            raise RefusedError(503, BUSY)
        keep_alive = None if work.keep_alive is None else self.card.real(work.keep_alive)
        try:
            runner = await self.scheduler.acquire(work.model, work.options, keep_alive)
        except BusyError:
            raise RefusedError(503, BUSY) from None
        except LoadError as error:
            raise RefusedError(500, str(error)) from error
        spent.load_s = time.monotonic() - spent.arrived
        try:
            yield runner
        finally:
            self.scheduler.release(runner)

    @asynccontextmanager
    async def _turn(self, work: Work, runner: Runner) -> AsyncIterator["_Turn"]:
        """Hold a slot of the runner; whoever leaves holds it until the card has noticed."""
        async with runner.slots:
            turn = _Turn(begun=time.monotonic())
            self.running[id(turn)] = work.jobs
            self.log.started(work.jobs, work.model.name)
            try:
                yield turn
            except asyncio.CancelledError:
                self.counts["cancelled"] += 1
                await _until(time.monotonic() + self.card.real(self.card.cancel_latency_s))
                self.log.ended("preempted", work.jobs, turn.tokens)
                raise
            except (CutError, SaidError, RefusedError):
                self.counts["failed"] += 1
                self.log.ended("preempted", work.jobs, turn.tokens)
                raise
            else:
                self.log.ended("finished", work.jobs, turn.tokens)
            finally:
                del self.running[id(turn)]

    async def _prefill(self, work: Work, turn: "_Turn", spent: Spent) -> None:
        began = turn.begun + self.card.real(self.card.call_overhead_s)
        turn.due = began + self.card.real(work.words / work.model.prefill_per_s)
        await _until(turn.due)
        spent.words = work.words
        spent.prompt_s = time.monotonic() - began

    async def _decode(self, work: Work, reply: Reply, last: int, sink: Sink, turn: "_Turn") -> None:
        each = self.card.real(1 / work.model.tokens_per_s)
        group = max(1, math.ceil(GROUP_S / each)) if each else last
        begun, sent = turn.due, 0
        while sent < last:
            behind = time.monotonic() - begun - sent * each
            if behind > STOOD_STILL_S:
                begun += behind
            # The first goes alone, so that its time is right; who is late sends what is due.
            late = int((time.monotonic() - begun) / each) if each else last
            upto = min(last, max(sent + (group if sent else 1), late))
            if sent < reply.first:
                upto = min(upto, reply.first)
            await _until(begun + upto * each)
            await sink.piece(reply.text(sent, upto), thinking=sent < reply.first)
            self.counts["tokens"] += upto - sent
            turn.tokens += upto - sent
            sent = upto

    # ------------------------------------------------------------ faults

    async def _act(self, fault: Fault, sink: Sink) -> None:
        """Do what the fault says at this point of a stream; only `drip` comes to an end."""
        match fault.kind:
            case "hang":
                await asyncio.Event().wait()
            case "drip":
                for byte in b'{"model": "drip", "message": {"role": "assistant"' + b" " * 4096:
                    await sink.raw(bytes([byte]))
                    await asyncio.sleep(fault.seconds)
                raise CutError
            case "garbage":
                await sink.raw(b"\x00\xff}{ no JSON at all\n")
            case "wrong_json":
                await sink.raw(json.dumps({"message": 5, "response": [], "done": "?"}).encode())
                await sink.raw(b"\n")
            case "error_line":
                raise SaidError("an error was encountered while running the model: CUDA error")
            case _:
                pass
        raise CutError

    async def _spoil(self, fault: Fault) -> NoReturn:
        if fault.kind in {"hang", "drip"}:
            await asyncio.Event().wait()
        if fault.kind == "error_line":
            raise RefusedError(500, "do embedding request: EOF")
        raise CutError


@dataclass(slots=True)
class _Turn:
    begun: float
    due: float = 0.0
    tokens: int = 0


def _keep(store: OrderedDict[Label, int], job: Label, tokens: int) -> None:
    store[job] = tokens
    if len(store) > JOBS_KEPT:
        store.popitem(last=False)


async def _until(due: float) -> None:
    wait = due - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)
