"""The card's worker is killed at twenty random moments: nothing lost, nothing answered twice."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from gpu.tiers import Tier
from tests.chaos import evidence
from tests.integration.gpu.house import House, furnished, words
from tests.servers import Servers
from tests.waiting import eventually

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
]

SEED = int(os.environ.get("CHAOS_SEED", "20260504"))
KILLS = 20
LEASE_SECONDS = 15
LONGEST_TOKENS = 800
"""A third of a second: hardly ever is one job hit three times, which would end it for good."""
SETTLING_SECONDS = 90.0

ENDS = """
    SELECT subject, count(*) FROM audit_entry
     WHERE kind IN ('inference.done', 'inference.failed', 'inference.cancelled') GROUP BY subject
"""


@pytest.fixture
def house(
    django_db_setup: None,
    servers: Servers,
    database_name: str,
    worker_id: str,
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[House]:
    number = 2 * int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    with django_db_blocker.unblock():
        try:
            with furnished(servers, database_name, number, tmp_path) as made:
                made.variables = {"ETHOPS_LEASE_SECONDS": str(LEASE_SECONDS)}
                made.add_card()
                made.declare()
                yield made
        finally:
            connections.close_all()
            servers.empty(database_name)


@dataclass
class Trace:
    """Requests of all tiers, asked one after the other until nobody is killed any more."""

    house: House
    chance: random.Random
    over: threading.Event = field(default_factory=threading.Event)
    texts: dict[UUID, str] = field(default_factory=dict)
    vectors: dict[UUID, int] = field(default_factory=dict)

    def ask(self) -> None:
        """Ask, at a pace that the card can just keep."""
        while not self.over.wait(self.chance.uniform(0.1, 0.6)):
            self._one()
        connections.close_all()

    def _one(self) -> None:
        tokens = self.chance.randint(5, LONGEST_TOKENS)
        kind = self.chance.choices(("ops", "embed", "research"), (2, 4, 3))[0]
        if kind == "embed":
            count = self.chance.randint(1, 120)
            texts = [f"text number {n} " * 10 for n in range(count)]
            self.vectors[self.house.embed(texts)] = count
            return
        tier = Tier.OPS if kind == "ops" else Tier.RESEARCH
        slots = ("ops-8b", "reason-14b") if kind == "ops" else ("code-14b", "ops-8b")
        job_id = self.house.ask(
            tier=tier,
            slot=self.chance.choice(slots),
            tokens=tokens,
            streams=self.chance.random() < 0.5,
        )
        self.texts[job_id] = words(tokens)


def _taken_after(house: House, fence: int) -> bool:
    return bool(house.card()["fence"] > fence)


def killed(house: House, chance: random.Random) -> list[float]:
    """Kill the worker again and again; seconds from each kill until its card was taken again."""
    took = []
    died_at = time.monotonic()
    for _ in range(KILLS):
        (fence,) = house.owner("SELECT fence FROM gpu_card")[0]
        process = house.start_worker()
        eventually(partial(_taken_after, house, fence), LEASE_SECONDS + 30)
        took.append(time.monotonic() - died_at)
        time.sleep(chance.uniform(0.0, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        died_at = time.monotonic()
    return took[1:]


def test_a_killed_worker_loses_and_doubles_nothing(house: House) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    trace = Trace(house, random.Random(SEED + 1))  # noqa: S311
    asking = threading.Thread(target=trace.ask)
    asking.start()
    try:
        took = killed(house, chance)
    finally:
        trace.over.set()
        asking.join()
    house.worker()
    jobs = [*trace.texts, *trace.vectors]
    began = time.monotonic()
    found = {job_id: house.ended(job_id, SETTLING_SECONDS) for job_id in jobs}
    settled = time.monotonic() - began
    house.record()
    with psycopg.connect(house.servers.dsn("ethops_owner", house.database)) as link:
        chain = evidence.verify_chain(link)
    ends: dict[str, int] = dict(house.owner(ENDS))  # type: ignore[arg-type]
    attempts = Counter(house.job(job_id)["attempts"] for job_id in jobs)
    preempted = sum(row.preemptions for row in found.values())
    sys.stdout.write(
        f"\nseed {SEED}: {KILLS} kills, {len(jobs)} jobs by attempts {dict(attempts)},"
        f" {preempted} preemptions; card taken again after {max(took):.1f} s at most,"
        f" all settled {settled:.1f} s after the last start\n"
    )

    assert {row.state for row in found.values()} == {"done"}
    assert attempts[2] + attempts[3] > 0, "no kill has hit a job"
    assert {str(job_id): ends.get(str(job_id)) for job_id in jobs} == {str(j): 1 for j in jobs}
    for job_id, text in trace.texts.items():
        answer: Any = found[job_id].answer
        assert answer["message"]["content"] == text
    for job_id, count in trace.vectors.items():
        answer = found[job_id].answer
        assert len(answer["embeddings"]) == count
    assert chain.whole, chain.findings
    assert max(took) < LEASE_SECONDS
