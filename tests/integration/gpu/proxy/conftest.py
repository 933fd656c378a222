"""The proxy on a port of its own, two clients with keys, and a worker that does as it is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from gpu import clients
from tests.doubles.gpu_worker import CARD, Held, Worker, answer, answering
from tests.integration.gpu.house import point_celery
from tests.integration.gpu.proxy.parts import Asking, serving
from tests.servers import Servers

SLOTS = """
    INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s, tokens_per_s,
                          prefill_per_s, tiers) VALUES
    ('ops', 'qwen3:8b', 'chat', '{"num_ctx": 4096}', 4096, 7000, 4.5, 45, 1500,
     '["ops", "research"]'),
    ('code', 'coder', 'chat', '{"num_ctx": 8192}', 8192, 11000, 9, 26, 800, '["research"]'),
    ('embed', 'nomic:latest', 'embed', '{"num_ctx": 2048}', 2048, 900, 1.5, 1, 8000,
     '["embedding", "research"]')
"""
CARDS = "INSERT INTO gpu_card (name, url, vram_mb, reserve_mb) VALUES (%s, 'http://x', 16000, 0)"


@pytest.fixture(autouse=True)
def furnished(role: Callable[[str], psycopg.Connection], redis_url: str, settings: Any) -> None:
    """Slots, a card, and the queue's Redis."""
    settings.ETHOPS_GPU_REDIS_URL = redis_url
    point_celery(redis_url)
    owner = role("owner")
    owner.execute(SLOTS)
    owner.execute(CARDS, [CARD])


@pytest.fixture
def key() -> str:
    """The key of a research client that may use every slot of its tier."""
    return clients.make_key("lab", tier="research", slots=(), max_waiting=400, by="ada")


@pytest.fixture
def ops_key() -> str:
    """The key of an operations client, two of whose requests may wait."""
    return clients.make_key("pager", tier="ops", slots=("ops",), max_waiting=2, by="ada")


@pytest.fixture
def proxy() -> Iterator[str]:
    """The address of the proxy."""
    with serving() as address:
        yield address


@pytest.fixture
def lab(proxy: str, key: str) -> Asking:
    """The research client."""
    return Asking(proxy, key)


@pytest.fixture
def pager(proxy: str, ops_key: str) -> Asking:
    """The operations client."""
    return Asking(proxy, ops_key)


@pytest.fixture
def worker(
    role: Callable[[str], psycopg.Connection], redis_url: str, furnished: None
) -> Iterator[Worker]:
    """A worker that does nothing by itself."""
    made = Worker(role("gpu"), redis_url)
    yield made
    made.close()


@dataclass
class Answering:
    """Starts a worker that answers everything, in one way or another."""

    servers: Servers
    database: str
    redis_url: str

    def __call__(self, how: Callable[[Held], None] = answer) -> Any:
        dsn = self.servers.dsn("ethops_gpu", self.database)
        return answering(lambda: psycopg.connect(dsn, autocommit=True), self.redis_url, how)


@pytest.fixture
def answers(servers: Servers, database_name: str, redis_url: str, furnished: None) -> Answering:
    """`with answers():` everything that is asked gets an answer."""
    return Answering(servers, database_name, redis_url)
