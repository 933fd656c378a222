"""Embeddings go together where they wait together, and a big job gives way between two chunks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from gpu import rows
from gpu.simulated.vectors import vector
from gpu.tiers import Tier
from tests.integration.gpu.house import House
from tests.waiting import eventually

QUEUE = "embedding.embed-8b"
DIMENSIONS = 384


@pytest.fixture
def behind(calm: House) -> Iterator[House]:
    """The served house, which has seen what its model of embeddings takes."""
    calm.done(calm.embed(["warm"]))
    yield calm


@contextmanager
def gathering(house: House) -> Iterator[None]:
    """Ops have the card for as long as this lasts, so that jobs gather behind them."""
    busy = house.ask(tier=Tier.OPS, slot="ops-8b", tokens=80_000)
    house.begun(busy)
    yield
    rows.cancel(busy, "they have gathered")


def vectors(house: House, job_id: UUID) -> list[list[float]]:
    """The vectors of a job that is done."""
    answer: Any = house.done(job_id).answer
    found: list[list[float]] = answer["embeddings"]
    return found


def test_what_waits_together_goes_in_one_call(behind: House) -> None:
    with gathering(behind):
        jobs = [behind.embed([f"text {n}"], label=f"e{n}") for n in range(10)]
        before = behind.simulated["card0"].machine.counts["requests"]
    for n, job_id in enumerate(jobs):
        assert vectors(behind, job_id) == [pytest.approx(vector(f"text {n}", DIMENSIONS))]
    after = behind.simulated["card0"].machine.counts["requests"]
    assert after - before == 2, "one load, one call"


def test_their_messages_leave_the_queue(behind: House) -> None:
    with gathering(behind):
        jobs = [behind.embed([f"text {n}"]) for n in range(6)]
        assert eventually(lambda: behind.messages(QUEUE)) == [str(job_id) for job_id in jobs]
    for job_id in jobs:
        behind.done(job_id)
    assert behind.messages(QUEUE) == []


def test_each_has_its_own_cost(behind: House) -> None:
    with gathering(behind):
        jobs = [behind.embed(["one two three"]), behind.embed(["one"])]
    found = [behind.done(job_id) for job_id in jobs]
    assert [row.tokens_in for row in found] == pytest.approx([3, 1], abs=1)
    assert [behind.entries(job_id)[-1][0] for job_id in jobs] == ["inference.done"] * 2


def test_other_dimensions_go_in_another_call(behind: House) -> None:
    with gathering(behind):
        whole = behind.embed(["moon"])
        short = behind.embed(["moon"], body={"dimensions": 8})
        again = behind.embed(["moon"])
    assert [len(vectors(behind, job_id)[0]) for job_id in (whole, short, again)] == [384, 8, 384]


def test_who_would_not_fit_the_call_waits_for_the_next(behind: House) -> None:
    with gathering(behind):
        small = behind.embed(["moon"])
        big = behind.embed(["a b c d"], tokens_asked=1_000_000)
        last = behind.embed(["sun"])
    for job_id in (small, big, last):
        assert behind.done(job_id).preemptions == 0


def test_one_bad_input_fails_its_own_job_alone(behind: House) -> None:
    truncate = {"truncate": False}
    with gathering(behind):
        good = behind.embed(["moon"], body=truncate)
        bad = behind.embed(["word " * 40_000], body=truncate, tokens_asked=10)
        other = behind.embed(["sun"], body=truncate)
    assert vectors(behind, good)
    assert vectors(behind, other)
    row = behind.ended(bad)
    assert (row.state, row.error_code) == ("failed", "inference.server_said")
    assert "context length" in row.error


def test_a_cancelled_job_of_a_batch_is_dropped_between_chunks(calm: House) -> None:
    calm.done(calm.embed(["warm"]))
    job_id = calm.embed(["some words here " * 60] * 2000)
    calm.begun(job_id)
    assert rows.cancel(job_id, "nobody waits")
    assert calm.ended(job_id).state == "cancelled"


def test_a_big_job_gives_way_between_chunks_and_keeps_its_vectors(calm: House) -> None:
    calm.done(calm.embed(["warm"]))
    texts = [f"text number {n} " * 30 for n in range(600)]
    big = calm.embed(texts)
    calm.begun(big)
    urgent = calm.ask(tier=Tier.OPS, slot="ops-8b", tokens=80_000)
    row = eventually(
        lambda: found if (found := calm.job(big))["state"] == "ready" and found["partial"] else {}
    )
    kept = row["partial"]["vectors"]
    assert 0 < len(kept) < len(texts)
    rows.cancel(urgent, "it was seen")
    found = vectors(calm, big)
    assert found[: len(kept)] == kept
    assert found[-1] == pytest.approx(vector(texts[-1], DIMENSIONS))
    assert len(found) == len(texts)
    assert calm.done(big).preemptions >= 1


def test_every_input_is_embedded_once(calm: House) -> None:
    calm.done(calm.embed(["warm"]))
    texts = [f"text number {n} " * 30 for n in range(600)]
    big = calm.embed(texts)
    calm.begun(big)
    calm.done(calm.ask(tier=Tier.OPS, slot="ops-8b", tokens=5))
    row = calm.done(big)
    assert row.tokens_in == pytest.approx(sum(len(text.split()) for text in texts), abs=50)


def test_company_of_a_call_that_failed_is_tried_again(behind: House) -> None:
    with gathering(behind):
        behind.fault("cut", model="embed-8b")
        jobs = [behind.embed([f"text {n}"]) for n in range(4)]
    for n, job_id in enumerate(jobs):
        assert vectors(behind, job_id) == [pytest.approx(vector(f"text {n}", DIMENSIONS))]
        assert behind.job(job_id)["attempts"] == 2
    assert httpx.get(f"{behind.simulated['card0'].url}/simulated/faults").json()["faults"] == []
