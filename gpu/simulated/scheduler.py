"""Real Ollama's scheduler, rule by rule (server/sched.go of August 2026), on a simulated card.

One queue in order of arrival for models that are not loaded, taken strictly one after another;
requests for a loaded model go past it. Its known faults are here too: a condemned model that a
late request gives a new keep_alive is not unloaded, and everything behind waits for it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.json_value import JSON
from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.events import EventLog
from gpu.simulated.faults import Faults

AUTOMATIC_MODELS: Final = 3
HEADROOM: Final = 0.8
"""The share of free memory that a further model may take."""
RETRY_S: Final = 0.010
RUNNER_DEFAULTS: Final[Mapping[str, JSON]] = {
    "num_batch": 512,
    "num_gpu": -1,
    "main_gpu": 0,
    "use_mmap": None,
    "num_thread": 0,
    "draft_num_predict": 0,
}


class BusyError(Exception):
    """As many requests wait for models as may wait."""


class LoadError(Exception):
    """The runner did not come up."""


def resolved(
    options: Mapping[str, JSON], model: SimulatedModel, default_context: int
) -> dict[str, JSON]:
    """Return every option of the runner as Ollama would start it; others are no part of it."""
    said = options.get("num_ctx")
    context = said if isinstance(said, int) and said > 0 else default_context
    given = {name: options.get(name, default) for name, default in RUNNER_DEFAULTS.items()}
    return {**given, "num_ctx": min(max(context, 4), model.context)}


@dataclass(eq=False, slots=True)
class Runner:
    """A model in memory; times are real seconds."""

    model: SimulatedModel
    options: Mapping[str, JSON]
    keep_alive: float
    slots: asyncio.Semaphore
    refs: int = 0
    timer: asyncio.TimerHandle | None = None
    expires_at: float = 0.0


@dataclass(eq=False, slots=True)
class Waiting:
    """A request in the queue; one that left keeps its place until it reaches the head."""

    model: SimulatedModel
    options: Mapping[str, JSON]
    keep_alive: float | None
    given: asyncio.Future[Runner]
    left: asyncio.Event = field(default_factory=asyncio.Event)


class Scheduler:
    """Gives runners to requests; `serve` must run beside it."""

    def __init__(self, card: SimulatedCard, log: EventLog, faults: Faults) -> None:
        self.card = card
        self.loaded: dict[str, Runner] = {}
        self.loading: SimulatedModel | None = None
        """Not listed yet, and no runner for anybody: others who want it queue up."""
        self.pending: deque[Waiting] = deque()
        self.loads = 0
        self.unloads = 0
        self._log = log
        self._faults = faults
        self._arrived = asyncio.Event()
        self._unloaded = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    async def acquire(
        self, model: SimulatedModel, options: Mapping[str, JSON], keep_alive: float | None
    ) -> Runner:
        """Return a runner for the request, which must release it; `keep_alive` is real seconds.

        Raises:
            BusyError: the queue is full.
            LoadError: the model could not be loaded.
        """
        wanted = resolved(options, model, self.card.default_context)
        runner = self.loaded.get(model.full_name)
        if runner is not None and not _differs(runner, wanted):
            return self._use(runner, keep_alive)
        if len(self.pending) >= self.card.max_queue:
            raise BusyError
        place = Waiting(model, wanted, keep_alive, asyncio.get_running_loop().create_future())
        self.pending.append(place)
        self._arrived.set()
        try:
            return await asyncio.shield(place.given)
        except asyncio.CancelledError:
            place.left.set()
            place.given.add_done_callback(self._given_to_nobody)
            raise

    def release(self, runner: Runner) -> None:
        """Say that a request has ended; an idle runner goes now, or when its time is over."""
        runner.refs -= 1
        if runner.refs > 0:
            return
        if runner.keep_alive <= 0:
            self._stop_timer(runner)
            self._expire(runner)
            return
        self._stop_timer(runner)
        runner.expires_at = time.monotonic() + runner.keep_alive
        if math.isfinite(runner.keep_alive):
            loop = asyncio.get_running_loop()
            runner.timer = loop.call_later(runner.keep_alive, self._expire, runner)

    def let_go(self, model: SimulatedModel) -> None:
        """Unload a model as soon as nobody uses it; returns at once."""
        runner = self.loaded.get(model.full_name)
        if runner is not None:
            runner.expires_at = time.monotonic()
            self._condemn(runner)

    async def serve(self) -> None:
        """Take the queue's head, and nothing else until it has a runner or an error."""
        while True:
            while not self.pending:
                self._arrived.clear()
                await self._arrived.wait()
            head = self.pending.popleft()
            if not head.left.is_set():
                self._unloaded.clear()
                await self._give(head)

    # ------------------------------------------------------------ the queue's head

    async def _give(self, head: Waiting) -> None:
        while True:
            runner = self.loaded.get(head.model.full_name)
            if runner is not None and not _differs(runner, head.options):
                head.given.set_result(self._use(runner, head.keep_alive))
                return
            victim = runner or self._victim_for(head.model)
            if victim is None:
                await self._load(head)
                return
            self._condemn(victim)
            # Any unload ends this wait, and nothing else does: not even that the head has left.
            await self._unloaded.wait()
            self._unloaded.clear()

    def _victim_for(self, model: SimulatedModel) -> Runner | None:
        """Return the runner that must go first, or None when the model may be loaded now."""
        if not self.loaded:
            return None
        most = self.card.max_loaded or AUTOMATIC_MODELS
        free = self.card.vram_mb - sum(each.model.vram_mb for each in self.loaded.values())
        if len(self.loaded) < most and model.vram_mb <= free * HEADROOM:
            return None
        return victim(list(self.loaded.values()))

    def _condemn(self, runner: Runner) -> None:
        self._stop_timer(runner)
        runner.keep_alive = 0.0
        if runner.refs <= 0:
            self._expire(runner)

    async def _load(self, head: Waiting) -> None:
        self.loading = head.model
        try:
            await self._loading(head)
        except LoadError as error:
            head.given.set_exception(error)
        else:
            keep_alive = head.keep_alive
            if keep_alive is None:
                keep_alive = self.card.real(self.card.keep_alive_s)
            parallel = 1 if head.model.kind == "embed" else max(1, self.card.num_parallel)
            slots = asyncio.Semaphore(parallel)
            runner = Runner(head.model, head.options, keep_alive, slots, refs=1)
            runner.expires_at = time.monotonic() + keep_alive
            self.loaded[head.model.full_name] = runner
            head.given.set_result(runner)
        finally:
            self.loading = None

    async def _loading(self, head: Waiting) -> None:
        name = head.model.name
        self._log.model("load_start", name)
        self.loads += 1
        until = time.monotonic() + self.card.real(head.model.load_s)
        if self._faults.take(name, "load_hang"):
            await self._faults.cleared()
        try:
            # Who asked for the load and leaves takes it along, as with the real one.
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await head.left.wait()
        except TimeoutError:
            if not self._faults.take(name, "load_failure"):
                self._log.model("loaded", name)
                return
        self._log.model("load_failed", name)
        raise LoadError(
            "llama-server process has terminated: exit status 2"
            if not head.left.is_set()
            else "timed out waiting for llama-server to start: context canceled"
        )

    # ------------------------------------------------------------ runners

    def _use(self, runner: Runner, keep_alive: float | None) -> Runner:
        runner.refs += 1
        self._stop_timer(runner)
        if keep_alive is not None:
            # Unconditional, as in Ollama: a condemned runner may live on (its issue 17408).
            runner.keep_alive = keep_alive
        return runner

    def _given_to_nobody(self, given: asyncio.Future[Runner]) -> None:
        if not given.cancelled() and given.exception() is None:
            self.release(given.result())

    def _stop_timer(self, runner: Runner) -> None:
        if runner.timer is not None:
            runner.timer.cancel()
            runner.timer = None

    def _expire(self, runner: Runner) -> None:
        runner.timer = None
        if self.loaded.get(runner.model.full_name) is not runner:
            return
        if runner.refs > 0:
            asyncio.get_running_loop().call_later(RETRY_S, self._expire, runner)
            return
        del self.loaded[runner.model.full_name]
        self.unloads += 1
        self._log.model("unloaded", runner.model.name)
        task = asyncio.get_running_loop().create_task(self._recover())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _recover(self) -> None:
        if self.card.unload_s:
            await asyncio.sleep(self.card.real(self.card.unload_s))
        self._unloaded.set()


def _differs(runner: Runner, wanted: Mapping[str, JSON]) -> bool:
    """Tell whether a request needs the model started anew; num_gpu -1 fits anything."""
    return any(
        runner.options.get(name) != value
        for name, value in wanted.items()
        if name != "num_gpu" or value != -1
    )


def victim(runners: Sequence[Runner]) -> Runner:
    """Return who goes first: the shortest configured keep_alive, an idle one before a busy one."""
    ordered = sorted(runners, key=lambda runner: (runner.keep_alive, runner.model.full_name))
    return next((runner for runner in ordered if runner.refs == 0), ordered[0])
