"""Whoever needs vectors asks the queue in bounded requests, finds them again, and waits so long."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gpu import embedding, rows
from gpu.embedding import Asker, Asking, slot_of
from gpu.errors import NoVectorsError, QueueFullError
from gpu.models import Job, Slot
from gpu.rows import Request
from gpu.simulated.vectors import vector
from gpu.states import JobKind
from gpu.tiers import Tier
from tests.integration.gpu.house import House
from tests.waiting import eventually

DIMENSIONS = 384
CLERK = Asker("system:clerk", requests=2, seconds=20.0, lasts_s=600.0, comes_again=True)
HASTY = replace(CLERK, name="system:hasty", seconds=0.2, comes_again=False)


@pytest.fixture
def slot(calm: House) -> Iterator[Slot]:
    """The slot for vectors, whose model was seen; what was asked in a test is known to no other."""
    eventually(lambda: calm.digest("embed-8b"))
    yield slot_of(None)
    calm.calm()
    for name in (CLERK.name, HASTY.name):
        calm.owner("UPDATE gpu_job SET client = %s WHERE client = %s", f"{name}:old", name)


def jobs(asker: Asker = CLERK) -> list[Any]:
    return list(Job.objects.filter(client=asker.name).order_by("created_at").values())


def texts(count: int) -> list[str]:
    return [f"passage {n} of some" for n in range(count)]


def expected(asked: Sequence[str]) -> list[Any]:
    return [pytest.approx(vector(text, DIMENSIONS)) for text in asked]


def busy(house: House) -> UUID:
    """Let operations have the card until it is calm."""
    job_id = house.ask(tier=Tier.OPS, slot="ops-8b", tokens=80_000)
    house.begun(job_id)
    return job_id


def fail(
    house: House, slot: Slot, inputs: Sequence[str], code: str = "inference.server_said"
) -> None:
    """Let a request of these texts be one that failed of this: no worker hears of it."""
    label = Asking(CLERK, slot)._name(tuple(inputs))
    body = {"input": list(inputs)}
    kind, name = JobKind.EMBED, CLERK.name
    asked = Request(Tier.EMBEDDING, slot.name, kind, name, body, client=name, label=label)
    job_id = house.submit(asked, publish=False)
    link, fence = house.connect("gpu"), house.card()["fence"]
    claim = "SELECT fence FROM gpu.claim_job('card0', %s, %s, 60)"
    (held,) = link.execute(claim, [fence, job_id]).fetchone() or (None,)
    ended = "SELECT gpu.finish_job(%s, %s, 'failed', NULL, %s, 'NaN', 0, 0, 0)"
    assert link.execute(ended, [job_id, held, code]).fetchone() == ("settled",)


def test_many_texts_go_in_bounded_requests_of_the_embedding_tier(slot: Slot) -> None:
    many = texts(80)
    assert Asking(CLERK, slot).vectors(many) == expected(many)
    found = jobs()
    assert [len(one["request"]["input"]) for one in found] == [32, 32, 16]
    assert {(one["tier"], one["kind"], one["principal"]) for one in found} == {
        ("embedding", "embed", "system:clerk")
    }
    assert {one["model_digest"] for one in found} == {slot.digest}


def test_no_more_of_one_asker_wait_than_may(calm: House, slot: Slot) -> None:
    busy(calm)
    with pytest.raises(NoVectorsError, match="did not answer within"):
        Asking(replace(CLERK, seconds=0.3), slot).vectors(texts(200))
    assert len(jobs()) == CLERK.requests


def test_what_was_asked_before_a_death_is_found_and_not_asked_again(
    calm: House, slot: Slot
) -> None:
    few, ops = texts(3), busy(calm)
    with pytest.raises(NoVectorsError):
        Asking(replace(CLERK, seconds=0.1), slot).vectors(few)
    rows.cancel(ops, "it is over")
    assert Asking(CLERK, slot).vectors(few) == expected(few)
    assert Asking(CLERK, slot).vectors(few) == expected(few)
    assert len(jobs()) == 1


def test_a_worker_that_is_killed_costs_no_vector(calm: House, slot: Slot) -> None:
    many = texts(64)
    calm.fault("hang", model="embed-8b")
    with pytest.raises(NoVectorsError):
        Asking(replace(CLERK, seconds=0.5), slot).vectors(many)
    calm.end_worker()
    calm.clear_faults()
    calm.worker()
    assert Asking(CLERK, slot).vectors(many) == expected(many)
    assert len(jobs()) == 2


def test_who_waits_no_longer_leaves_the_queue(calm: House, slot: Slot) -> None:
    busy(calm)
    with pytest.raises(NoVectorsError):
        Asking(HASTY, slot).vectors(["who pumps it out?"])
    (one,) = jobs(HASTY)
    assert one["error_code"] == "gpu.cancelled"


def test_a_text_that_the_model_does_not_take_stops_no_other(
    calm: House, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "AT_ONCE", 3)
    mixed = ["fine 0", "odd", "fine 1", "fine 2", "fine 3"]
    fail(calm, slot, mixed[:3])
    assert Asking(CLERK, slot).vectors(mixed) == expected(mixed), "each by itself"
    fail(calm, slot, ["odd"])
    before = len(jobs())
    whole: list[Any] = expected(mixed)
    assert Asking(CLERK, slot).vectors(mixed) == [whole[0], None, *whole[2:]]
    asked = [one["request"]["input"] for one in jobs()[before:]]
    assert asked == [["fine 0", "fine 1", "fine 2"], ["fine 3"]], "it takes nobody along"
    assert Asking(CLERK, slot).vectors(["odd"]) == [None]


@pytest.mark.parametrize(
    ("code", "again"),
    [
        ("gpu.over_deadline", 1),
        ("gpu.worker_died", 1),
        ("inference.busy", 1),
        ("inference.refused_option", 0),
    ],
)
def test_what_failed_of_the_card_is_asked_again(
    calm: House, slot: Slot, code: str, again: int
) -> None:
    fail(calm, slot, ["moon"], code)
    assert Asking(CLERK, slot).vectors(["moon"]) == (expected(["moon"]) if again else [None])
    assert len(jobs()) == 1 + again


def test_a_slot_that_a_server_s_own_model_serves_is_refused(calm: House, slot: Slot) -> None:
    # A card that nobody serves: the worker of the other would ask for that model, if it saw it.
    calm.owner(
        "INSERT INTO gpu_card (name, url, vram_mb, reserve_mb, serves)"
        """ VALUES ('served', '', 1, 0, '{"embed-8b": "text-embedding-3"}')"""
    )
    try:
        with pytest.raises(NoVectorsError, match="The card served serves the slot embed-8b by"):
            slot_of(None)
        calm.owner("UPDATE gpu_card SET enabled = false WHERE name = 'served'")
        assert slot_of(None).name == "embed-8b"
    finally:
        calm.owner("DELETE FROM gpu_card WHERE name = 'served'")


def test_what_another_model_made_is_no_answer_and_is_asked_anew(calm: House, slot: Slot) -> None:
    Asking(CLERK, slot).vectors(["moon"])
    calm.owner("UPDATE gpu_job SET model_digest = 'other' WHERE client = %s", CLERK.name)
    assert Asking(CLERK, slot).vectors(["moon"]) == expected(["moon"])
    assert len(jobs()) == 2


def test_signs_that_no_row_holds_are_asked_without(slot: Slot) -> None:
    assert Asking(CLERK, slot).vectors(["full\0moon\ud800"]) == expected(["full moon?"])


def test_nothing_is_asked_where_no_card_is_served(calm: House, slot: Slot) -> None:
    calm.owner("UPDATE gpu_card SET enabled = false")
    try:
        with pytest.raises(NoVectorsError, match="No card is served"):
            Asking(CLERK, slot).vectors(["moon"])
    finally:
        calm.owner("UPDATE gpu_card SET enabled = true")
    assert jobs() == []


def test_a_full_queue_is_left_alone(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def full(_request: Request) -> UUID:
        raise QueueFullError("512 requests wait already")

    monkeypatch.setattr(rows, "submit", full)
    with pytest.raises(NoVectorsError, match="512 requests wait"):
        Asking(CLERK, slot).vectors(["moon"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("digest = ''", "was not seen yet"),
        ("fault = 'another digest'", "is refused: another digest"),
        ("enabled = false", "No slot of kind embed is declared"),
    ],
    ids=["unseen", "refused", "undeclared"],
)
def test_a_slot_that_makes_no_vectors_says_why(calm: House, slot: Slot, change: str, why: str):
    before = calm.owner("SELECT digest, fault, enabled FROM gpu_slot WHERE name = 'embed-8b'")[0]
    calm.owner(f"UPDATE gpu_slot SET {change} WHERE name = 'embed-8b'")
    try:
        with pytest.raises(NoVectorsError, match=why):
            slot_of(None)
    finally:
        calm.owner(
            "UPDATE gpu_slot SET digest = %s, fault = %s, enabled = %s WHERE name = 'embed-8b'",
            *before,
        )
    with pytest.raises(NoVectorsError, match="is called code-14b"):
        slot_of("code-14b")
