"""Messages are lost, doubled and left by the dead: a job is done once all the same."""

import json
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from gpu.celery import VISIBILITY_LEASES
from gpu.tiers import Tier
from tests.integration.gpu.house import LEASE_SECONDS, UNACKED, House, words
from tests.waiting import eventually

VISIBILITY_SECONDS = VISIBILITY_LEASES * LEASE_SECONDS


@pytest.fixture(scope="module")
def killable(house: House) -> House:
    """A house with one card."""
    house.add_card()
    house.declare()
    return house


@pytest.fixture
def up(killable: House) -> Iterator[House]:
    """The card is served, by a worker of before where there is one."""
    if "card0" not in killable.workers:
        killable.worker()
    with killable.redis() as client:
        # What a worker of the test before had kept comes back, finds no job, and is gone.
        eventually(lambda: client.hlen(UNACKED) == 0)
    yield killable
    if "card0" not in killable.workers:
        killable.worker()
    killable.calm()


def once(house: House, job_id: UUID) -> bool:
    """Tell whether a job ended once in the ledger."""
    return [kind for kind, _ in house.entries(job_id)] == ["inference.asked", "inference.done"]


def test_a_job_longer_than_the_visibility_timeout_runs_once(up: House) -> None:
    tokens = round((VISIBILITY_SECONDS + 1.5) / 0.01 * 26)
    job_id = up.ask(tokens=tokens, label="long")
    up.begun(job_id)
    began = time.monotonic()
    with up.redis() as client:
        while up.job(job_id)["state"] == "leased" and time.monotonic() - began < 20:
            assert client.hlen(UNACKED) <= 1
            assert up.messages("research.code-14b") == []
    assert up.text(job_id) == words(tokens)
    seen = [e for e in up.seen() if e.get("id") == "long"]
    assert [e["ev"] for e in seen] == ["started", "finished"]
    assert seen[1]["t"] - seen[0]["t"] > VISIBILITY_SECONDS, "by the card's clock, not by ours"


def test_what_a_killed_worker_had_begun_is_done_by_the_next(up: House) -> None:
    job_id = up.ask(tokens=4000, label="killed")
    up.begun(job_id)
    up.end_worker()
    began = time.monotonic()
    up.worker()
    assert up.text(job_id) == words(4000)
    assert time.monotonic() - began < 30
    assert once(up, job_id)
    assert up.job(job_id)["attempts"] == 2


def test_a_message_that_a_dead_worker_kept_is_gone_in_the_end(up: House) -> None:
    job_id = up.ask(tokens=4000)
    up.begun(job_id)
    up.end_worker()
    with up.redis() as client:
        assert client.hlen(UNACKED) == 1
        up.worker()
        up.done(job_id)
        eventually(lambda: client.hlen(UNACKED) == 0)
    assert eventually(lambda: up.messages("research.code-14b") == [])
    assert once(up, job_id)


def test_a_wiped_redis_loses_nothing(up: House) -> None:
    running = up.ask(tokens=4000)
    up.begun(running)
    waiting = [up.ask(tokens=n + 3) for n in range(4)]
    embedding = up.embed(["moon"])
    up.wipe()
    assert up.text(running) == words(4000)
    for n, job_id in enumerate(waiting):
        assert up.text(job_id) == words(n + 3)
    up.done(embedding)
    assert all(once(up, job_id) for job_id in (running, *waiting))


def test_a_preempted_job_whose_message_is_lost_goes_on(up: House) -> None:
    lower = up.ask(tokens=4000, label="wiped")
    up.begun(lower)
    urgent = up.ask(tier=Tier.OPS, slot="ops-8b", tokens=3000)
    eventually(lambda: up.job(lower)["preemptions"])
    up.wipe()
    up.done(urgent)
    assert up.text(lower) == words(4000)


def test_a_job_that_was_never_published_is_found(up: House) -> None:
    assert up.text(up.ask(tokens=3, publish=False)) == words(3)


def test_a_message_that_says_nonsense_harms_nobody(up: House) -> None:
    sample = up.ask(tokens=80_000)
    up.begun(sample)
    up.ask(tokens=3)
    with up.redis() as client:
        (raw,) = eventually(lambda: client.lrange("research.code-14b", 0, -1))
        message = json.loads(raw)
        for id_ in ("00000000-0000-0000-0000-000000000000", "no uuid; DROP TABLE gpu_job"):
            body = json.dumps([[id_], {}, {}])
            forged = {**message, "body": body, "headers": {**message["headers"], "id": id_}}
            forged["properties"] = {**message["properties"], "body_encoding": ""}
            client.rpush("research.ops-8b", json.dumps(forged))
    urgent = up.ask(tier=Tier.OPS, slot="ops-8b", tokens=3)
    assert up.text(urgent) == words(3)
