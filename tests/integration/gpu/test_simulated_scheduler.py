"""Real Ollama's scheduling, with its faults, as the simulated server shows it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gpu.simulated.card import SimulatedCard, SimulatedModel
from gpu.simulated.serve import Simulated, simulated

A = SimulatedModel("a", "chat", 9000, load_s=5, tokens_per_s=40, prefill_per_s=1000)
B = replace(A, name="b")
SMALL = SimulatedModel("small", "embed", 900, load_s=1, tokens_per_s=1, prefill_per_s=5000)
CARD = SimulatedCard(16_000, (A, B, SMALL), scale=0.01)

GONE = httpx.Timeout(30, read=0.1)
"""Of one who leaves before he is answered: he has been heard, however slow the machine."""


class Bare:
    """A client of a bare Ollama: it asks whenever it likes."""

    def __init__(self, server: Simulated) -> None:
        self.machine = server.machine
        self.url = server.url
        self.http = httpx.Client(base_url=server.url, timeout=10)
        self._pool = ThreadPoolExecutor(24)

    def ask(self, model: str, tokens: int = 40, **more: Any) -> "Future[dict[str, Any]]":
        options = {"num_predict": tokens, **more.pop("options", {})}
        body = {"model": model, "prompt": "x", "stream": False, "options": options, **more}
        return self._pool.submit(self.post, "generate", body)

    def embed(self, model: str, **more: Any) -> "Future[dict[str, Any]]":
        return self._pool.submit(self.post, "embed", {"model": model, **more})

    def post(self, what: str, body: Mapping[str, Any], timeout: Any = 30) -> dict[str, Any]:
        answer = self.http.post(f"/api/{what}", json=body, timeout=timeout)
        return {"status": answer.status_code, "at": time.monotonic(), **answer.json()}

    @contextmanager
    def held(self, model: str) -> Iterator[None]:
        """The model writes to somebody for as long as this lasts, however slow the machine."""
        body = {"model": model, "prompt": "x", "options": {"num_predict": 1_000_000}}
        with self.http.stream("POST", "/api/generate", json=body) as answer:
            # Kept: an iterator that is let go closes the stream.
            lines = answer.iter_lines()
            next(lines)
            yield

    def arrived(self, requests: int) -> None:
        """Wait until so many have come in all."""
        self.until(lambda: self.machine.counts["requests"] == requests)

    def waits_for(self, model: str) -> None:
        """Wait until the head has left the queue, and condemned this model."""
        loaded = self.machine.scheduler.loaded
        self.until(lambda: loaded[f"{model}:latest"].keep_alive == 0)

    def events(self) -> list[tuple[object, object]]:
        return [(event["ev"], event["model"]) for event in self.machine.log.newest]

    def until(self, condition: Callable[[], object], within: float = 10.0) -> None:
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.002)


@pytest.fixture
def start() -> Iterator[Callable[..., Bare]]:
    """`start(max_queue=2)` starts a card with this setting."""
    servers = []
    started = []

    def begin(**settings: object) -> Bare:
        server = simulated(replace(CARD, **settings))  # type: ignore[arg-type]
        servers.append(server)
        started.append(Bare(server.__enter__()))
        return started[-1]

    yield begin
    for bare in started:
        bare.http.close()
    for server in servers:
        server.__exit__(None, None, None)


def test_alternating_requests_load_every_time(start: Callable[..., Bare]) -> None:
    bare = start()
    asked = []
    for model in "abab":
        asked.append(bare.ask(model))
        bare.until(lambda: bare.machine.counts["requests"] == len(asked))
    assert [each.result()["done_reason"] for each in asked] == ["length"] * 4
    assert bare.machine.scheduler.loads == 4


def test_a_loaded_model_overtakes_the_queue(start: Callable[..., Bare]) -> None:
    bare = start()
    with bare.held("a"):
        waits = bare.ask("b")
        bare.arrived(2)
        overtakes = bare.ask("a", 40)
        bare.arrived(3)
    assert overtakes.result()["at"] < waits.result()["at"]


def test_the_wedge_a_late_keep_alive_saves_a_condemned_model(start: Callable[..., Bare]) -> None:
    bare = start()
    with bare.held("a"):
        stuck = bare.ask("b")
        bare.arrived(2)
        saves = bare.ask("a", 40, keep_alive=-1)
        bare.arrived(3)
    saves.result()
    behind = bare.embed("small")
    bare.until(lambda: not bare.machine.running)
    assert bare.ask("a", 10).result()["status"] == 200, "its own requests go on"
    time.sleep(0.3)
    assert not stuck.done()
    assert not behind.done()
    bare.post("generate", {"model": "a", "keep_alive": 0})
    assert stuck.result()["status"] == 200


def test_the_shortest_keep_alive_goes_first(start: Callable[..., Bare]) -> None:
    bare = start(vram_mb=30_000, max_loaded=2)
    bare.ask("a", 1, keep_alive=-1).result()
    bare.embed("small", keep_alive=60).result()
    bare.ask("b", 1).result()
    assert ("unloaded", "small") in bare.events()
    assert ("unloaded", "a") not in bare.events()


def test_a_further_model_needs_four_fifths_of_what_is_free(start: Callable[..., Bare]) -> None:
    bare = start(vram_mb=12_000)
    bare.embed("small").result()
    bare.ask("a", 1).result()
    assert ("unloaded", "small") in bare.events(), "9000 of 11100 MB is too much"
    bare.embed("small").result()
    assert ("unloaded", "a") not in bare.events(), "900 of 3000 MB is not"


def test_other_runner_options_load_anew_and_sampling_does_not(start: Callable[..., Bare]) -> None:
    bare = start()
    bare.ask("a", 1, options={"num_ctx": 8192}).result()
    bare.ask("a", 1, options={"num_ctx": 8192, "temperature": 0.7}).result()
    assert bare.machine.scheduler.loads == 1
    bare.ask("a", 1, options={"num_ctx": 4096}).result()
    assert bare.machine.scheduler.loads == 2


def test_a_full_queue_is_503_and_the_loaded_model_is_not_counted(
    start: Callable[..., Bare],
) -> None:
    bare = start(max_queue=2)
    with bare.held("a"):
        bare.ask("b")
        bare.waits_for("a")
        for _ in range(2):
            bare.ask("b")
        bare.until(lambda: len(bare.machine.scheduler.pending) == 2)
        refused = bare.ask("b").result()
        loaded = bare.ask("a", 1)
        bare.arrived(6)
    assert refused["status"] == 503
    assert refused["error"] == ("server busy, please try again.  maximum pending requests exceeded")
    assert loaded.result()["status"] == 200


def test_who_leaves_keeps_the_place_until_the_head(start: Callable[..., Bare]) -> None:
    bare = start()
    with bare.held("a"):
        bare.ask("b")
        bare.arrived(2)
        with pytest.raises(httpx.ReadTimeout):
            bare.post("generate", {"model": "b", "prompt": "x"}, timeout=GONE)
        bare.arrived(3)
        bare.until(lambda: len(bare.machine.scheduler.pending) == 1)
    bare.until(lambda: not bare.machine.scheduler.pending)


def test_slots_run_together_and_no_more_than_there_are(start: Callable[..., Bare]) -> None:
    bare = start(num_parallel=2)
    with bare.held("a"), bare.held("a"):
        third = bare.ask("a")
        bare.arrived(3)
        assert len(bare.machine.running) == 2
        assert not third.done()
    assert third.result()["status"] == 200


def test_an_idle_model_goes_when_its_time_is_over(start: Callable[..., Bare]) -> None:
    bare = start()
    bare.ask("a", 1, keep_alive=-1).result()
    assert bare.http.get("/api/ps").json()["models"]
    bare.ask("a", 1, keep_alive="10s").result()
    bare.until(lambda: not bare.http.get("/api/ps").json()["models"])


def test_leaving_during_ones_own_load_ends_it(start: Callable[..., Bare]) -> None:
    # A load is so long that nobody is too late to leave during it.
    bare = start(scale=0.5)
    with pytest.raises(httpx.ReadTimeout):
        bare.post("generate", {"model": "a", "prompt": "x"}, timeout=GONE)
    bare.until(lambda: ("load_failed", "a") in bare.events())
    assert bare.embed("small").result()["status"] == 200, "the next is served"


def test_a_card_that_stops_leaves_no_thread(start: Callable[..., Bare]) -> None:
    with simulated(CARD):
        assert "simulated-ollama" in {thread.name for thread in threading.enumerate()}
    assert "simulated-ollama" not in {thread.name for thread in threading.enumerate()}
