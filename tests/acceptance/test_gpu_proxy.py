"""The proxy as people run it: the web process, a real worker, and the clients off the shelf."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import ollama
import openai
import psutil
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from ethops.env import CLONE
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from ethops.stack.ports import free_ports
from ethops.stack.spawn import spawn
from gpu import clients
from gpu.models import Job
from gpu.proxy import orphans
from tests.integration.gpu.house import House, furnished, words
from tests.servers import Servers
from tests.waiting import eventually

pytestmark = pytest.mark.processes

MANY = 200
MEBIBYTE = 1024 * 1024
MOST_MEBIBYTES = 24
"""What two hundred waiting streams may cost the web process."""
OPEN = (
    "SELECT count(*) FROM audit_work WHERE kind = 'inference'"
    " AND state IN ('waiting', 'ready', 'leased')"
)
WAITING = (
    "SELECT count(*) FROM audit_work w JOIN gpu_job j ON j.id = w.id"
    " WHERE j.client = 'lab' AND w.state = 'ready'"
)
WHY: list[Any] = [{"role": "user", "content": "why?"}]


class Web:
    """The web process of a house with a card, and two keys."""

    def __init__(self, house: House, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.house = house
        self.url = url
        self.process = psutil.Process(process.pid)
        self.key = self.ops_key = self.embed_key = ""

    def make_keys(self) -> None:
        self.key = clients.make_key("lab", tier="research", max_waiting=400, by="test")
        self.ops_key = clients.make_key("pager", tier="ops", by="test")
        self.embed_key = clients.make_key("index", tier="embedding", by="test")

    def ollama(self, key: str = "") -> ollama.Client:
        return ollama.Client(host=self.url, headers={"Authorization": f"Bearer {key or self.key}"})

    def openai(self, key: str = "") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key or self.key, max_retries=0)


@pytest.fixture(scope="module")
def web(
    django_db_setup: None,
    servers: Servers,
    database_name: str,
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Web]:
    """One house for the module."""
    number = 2 * int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    folder: Path = tmp_path_factory.mktemp("house")
    with django_db_blocker.unblock():
        try:
            with furnished(servers, database_name, number, folder) as house:
                house.add_card()
                house.declare()
                house.worker()
                with serving(house) as made:
                    made.make_keys()
                    yield made
        finally:
            connections.close_all()
            servers.empty(database_name)


@contextmanager
def serving(house: House) -> Iterator[Web]:
    """Run the web process on ports of its own."""
    layout = Layout(
        state=house.servers.layout.state,
        ports=free_ports(),
        database_url=house.servers.dsn("ethops_app", house.database),
        redis_url=house.redis_url,
    )
    command = next(each.command for each in processes(layout.ports) if each.name == "web")
    own = {"ETHOPS_STATE": str(house.folder), "ETHOPS_DATABASE_POOL": "1"}
    log = house.folder / "log" / "web.log"
    process = spawn(
        command, environment={**layout.environment("web"), **own}, folder=CLONE, log=log
    )
    try:
        eventually(lambda: _is_up(layout.web_url), seconds=60)
        yield Web(house, layout.web_url, process)
        assert "Traceback" not in log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture(autouse=True)
def calm(web: Web) -> Iterator[None]:
    """Whatever a test leaves behind is over before the next one."""
    yield
    web.house.calm()


def streamed(web: Web, tokens: int, key: str = "", **more: Any) -> str:
    with web.ollama(key) as client:
        said = client.chat("ops-8b", WHY, stream=True, options={"num_predict": tokens, **more})
        return "".join(part.message.content or "" for part in said)


class Beside(Thread):
    """Reads a stream beside the test."""

    def __init__(self, web: Web, tokens: int, key: str = "") -> None:
        super().__init__()
        self.said: list[str] = []
        self.faults: list[Exception] = []
        self.asks = (web, tokens, key)
        self.start()

    def run(self) -> None:
        web, tokens, key = self.asks
        try:
            with web.ollama(key) as client:
                for part in client.chat(
                    "ops-8b", WHY, stream=True, options={"num_predict": tokens}
                ):
                    self.said.append(part.message.content or "")
        except (httpx.HTTPError, ollama.ResponseError) as fault:
            self.faults.append(fault)

    def whole(self) -> str:
        self.join(60)
        assert not self.faults, self.faults
        return "".join(self.said)


# ---------------------------------------------------------------- off the shelf


def test_the_desk_and_its_api_stay_where_they_are(web: Web) -> None:
    assert httpx.get(f"{web.url}/healthz").json() == {"ok": True}
    assert httpx.get(f"{web.url}/api/v1/tickets").status_code == 401
    assert httpx.get(f"{web.url}/login/", follow_redirects=True).status_code == 200


def test_ollamas_client(web: Web) -> None:
    with web.ollama() as client:
        assert client.generate("ops-8b", "why?", options={"num_predict": 4}).response == words(4)
        assert [each.model for each in client.list().models if each.model == "ops-8b"]
    assert streamed(web, 40) == words(40)
    with web.ollama(web.embed_key) as client:
        assert len(client.embed("embed-8b", ["moon", "sun"]).embeddings) == 2


def test_openais_client(web: Web) -> None:
    with web.openai() as client:
        chat = client.chat.completions
        said = chat.create(model="ops-8b", messages=WHY, max_tokens=4)
        parts = chat.create(model="ops-8b", messages=WHY, max_tokens=4, stream=True)
        assert said.choices[0].message.content == words(4)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == words(4)
    with web.openai(web.embed_key) as client:
        made = client.embeddings.create(model="embed-8b", input=["moon", "sun"])
        assert len(made.data[1].embedding) == len(made.data[0].embedding) > 100


# ---------------------------------------------------------------- what a key may


def test_a_key_gets_what_is_its_own_and_no_more(web: Web) -> None:
    with web.ollama(web.ops_key) as client:
        for ask, status in (
            (lambda: client.chat("code-14b", WHY), 403),
            (lambda: client.embed("embed-8b", "a"), 403),
            (lambda: client.chat("ops-8b", WHY, options={"num_gpu": 0}), 400),
            (lambda: client.pull("ops-8b"), 403),
            (lambda: client.delete("ops-8b"), 403),
        ):
            with pytest.raises(ollama.ResponseError) as no:
                ask()
            assert no.value.status_code == status
    assert httpx.get(f"{web.url}/api/tags").status_code == 401


# ---------------------------------------------------------------- the card


def test_who_leaves_gives_the_card_back(web: Web) -> None:
    machine = web.house.simulated["card0"].machine
    with web.ollama(web.ops_key) as client:
        said = client.chat("ops-8b", WHY, stream=True, options={"num_predict": 100_000})
        next(said)
        assert machine.running
        said.close()
    eventually(lambda: not machine.running, seconds=10)
    eventually(lambda: Job.objects.latest("created_at").id.state == "cancelled", seconds=10)


def test_a_stream_that_gives_way_to_operations_is_whole(web: Web) -> None:
    # Six seconds: it is not over before operations have come, whatever the machine does.
    reading = Beside(web, 30_000)
    eventually(lambda: reading.said)
    assert streamed(web, 5, web.ops_key) == words(5)
    assert reading.is_alive()
    said = reading.whole()
    job = Job.objects.filter(client="lab").latest("created_at")
    assert job.preemptions >= 1
    assert job.answer["message"]["content"] == said == words(len(said.split()))
    assert len(said.split()) > 10_000


def test_a_stream_survives_the_loss_of_redis(web: Web) -> None:
    reading = Beside(web, 20_000, web.ops_key)
    eventually(lambda: len(reading.said) > 5)
    web.house.wipe()
    assert reading.whole() == words(20_000)


def test_a_stream_survives_the_death_of_its_worker(web: Web) -> None:
    reading = Beside(web, 20_000, web.ops_key)
    eventually(lambda: len(reading.said) > 5)
    web.house.workers["card0"].send_signal(signal.SIGKILL)
    web.house.workers["card0"].wait()
    web.house.worker()
    assert reading.whole() == words(20_000)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_requests_of_a_web_process_that_ends_leave_the_queue(web: Web, how: int) -> None:
    with serving(web.house) as other:
        other.key = web.key
        readings = [Beside(other, 1_000_000, web.ops_key)]
        # The short one may be over before the long one has come, and then nobody waits.
        eventually(lambda: readings[0].said)
        readings.append(Beside(other, 5))
        eventually(lambda: web.house.owner(WAITING) == [(1,)])
        other.process.send_signal(how)
        other.process.wait(20)
        for reading in readings:
            reading.join(20)
    if how == signal.SIGKILL:
        assert orphans.cancel_orphans() == 2
    eventually(lambda: web.house.owner(OPEN) == [(0,)])


# ---------------------------------------------------------------- many


async def _ask(client: httpx.AsyncClient, number: int) -> str:
    body = {
        "model": "ops-8b",
        "prompt": f"{number}",
        "options": {"num_predict": 5},
    }
    read = ollama.GenerateResponse.model_validate_json
    async with client.stream("POST", "/api/generate", json=body) as response:
        return "".join([read(line).response or "" async for line in response.aiter_lines()])


async def _all(web: Web) -> tuple[int, list[str]]:
    headers = {"Authorization": f"Bearer {web.key}"}
    limits = httpx.Limits(max_connections=MANY)
    async with httpx.AsyncClient(
        base_url=web.url, headers=headers, limits=limits, timeout=120
    ) as client:
        asked = [asyncio.create_task(_ask(client, number)) for number in range(MANY)]
        deadline = time.monotonic() + 60
        while web.house.owner(WAITING) != [(MANY,)]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        full = web.process.memory_info().rss
        web.house.worker()
        return full, await asyncio.gather(*asked)


@pytest.mark.slow
def test_two_hundred_streams_wait_without_loss_in_flat_memory(web: Web) -> None:
    streamed(web, 5)
    web.house.workers["card0"].kill()
    web.house.workers["card0"].wait()
    before = web.process.memory_info().rss
    full, said = asyncio.run(_all(web))
    assert said == [words(5)] * MANY
    assert (full - before) / MEBIBYTE < MOST_MEBIBYTES
    assert web.process.num_threads() < 40
