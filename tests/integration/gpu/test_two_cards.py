"""Two cards, two workers: a request goes where it can begin first, and one alone serves all."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gpu.tiers import Tier
from tests.integration.gpu.house import LEASE_SECONDS, House, words
from tests.waiting import eventually


@pytest.fixture(scope="module")
def pair(house: House) -> House:
    """A house with two equal cards, both served."""
    for name in ("card0", "card1"):
        house.add_card(name)
    house.declare()
    for name in ("card0", "card1"):
        house.worker(name)
    return house


@pytest.fixture
def both(pair: House) -> Iterator[House]:
    """`ops-8b` is resident on the first card, `code-14b` on the second."""
    yield settle(pair)
    pair.calm()


def settle(house: House) -> House:
    """Bring two models to two cards."""
    wanted = {"card0": "ops-8b", "card1": "code-14b"}
    for _ in range(20):
        found = {name: house.card(name)["resident"] for name in wanted}
        if sorted(found.values()) == [["code-14b"], ["ops-8b"]]:
            return house
        # While one is busy, the other takes what is not resident anywhere.
        jobs = [house.ask(slot=slot, tokens=300) for slot in wanted.values()]
        for job_id in jobs:
            house.done(job_id)
    raise AssertionError(f"the models did not spread: {found}")


def rest(house: House) -> None:
    """Wait until both cards do nothing, and each worker has seen that of the other."""
    eventually(lambda: {house.card(name)["doing"] for name in ("card0", "card1")} == {"idle"})
    # What a worker listens for it decided at its last look, a poll's length ago at most.
    time.sleep(0.2)


def where(house: House, slot: str) -> str:
    """The card that holds a slot."""
    return next(name for name in ("card0", "card1") if slot in house.card(name)["resident"])


def loads(house: House) -> int:
    """How often a model was loaded on either card."""
    return sum(each.machine.scheduler.loads for each in house.simulated.values())


@pytest.mark.parametrize("slot", ["ops-8b", "code-14b"])
def test_a_request_goes_to_the_card_that_holds_its_model(both: House, slot: str) -> None:
    home, before = where(both, slot), loads(both)
    for _ in range(3):
        rest(both)
        job_id = both.ask(slot=slot, tokens=5)
        both.done(job_id)
        assert both.job(job_id)["card"] == home
    assert loads(both) == before


def test_both_cards_work_at_the_same_time(both: House) -> None:
    # So long that the first is not over before a slow machine begins the second.
    jobs = [both.ask(slot=slot, tokens=80_000) for slot in ("ops-8b", "code-14b")]
    eventually(lambda: all(both.job(job_id)["state"] == "leased" for job_id in jobs))
    assert {both.job(job_id)["card"] for job_id in jobs} == {"card0", "card1"}


def test_where_the_right_card_is_long_busy_the_other_one_loads(both: House) -> None:
    first = both.ask(slot="code-14b", tokens=80_000)
    both.begun(first)
    second = both.ask(slot="code-14b", tokens=5)
    assert both.text(second) == words(5)
    assert both.job(second)["card"] != both.job(first)["card"]
    assert both.job(first)["state"] == "leased"


def test_ops_stop_one_card_and_not_both(both: House) -> None:
    lower = [both.ask(slot=slot, tokens=80_000) for slot in ("ops-8b", "code-14b")]
    for job_id in lower:
        both.begun(job_id)
    both.done(both.ask(tier=Tier.OPS, slot="ops-8b", tokens=5))
    assert sum(both.job(job_id)["preemptions"] for job_id in lower) == 1


def test_an_idle_card_serves_ops_and_nothing_is_stopped(both: House) -> None:
    lower = both.ask(slot="code-14b", tokens=80_000)
    both.begun(lower)
    urgent = both.ask(tier=Tier.OPS, slot="ops-8b", tokens=5)
    both.done(urgent)
    assert both.job(urgent)["card"] != both.job(lower)["card"]
    assert both.job(lower)["preemptions"] == 0


def test_many_requests_are_shared_and_each_is_done_once(both: House) -> None:
    slots = ("ops-8b", "code-14b", "reason-14b")
    jobs = [both.ask(slot=slots[n % 3], tokens=200) for n in range(30)]
    for job_id in jobs:
        assert both.text(job_id) == words(200)
    cards = Counter(both.job(job_id)["card"] for job_id in jobs)
    assert min(cards["card0"], cards["card1"]) >= 5
    assert all(len(both.entries(job_id)) == 2 for job_id in jobs)


def test_what_a_preempted_job_has_said_goes_along_to_the_other_card(both: House) -> None:
    lower = both.ask(slot="ops-8b", tokens=20_000)
    both.begun(lower)
    first = both.job(lower)["card"]
    urgent = both.ask(tier=Tier.OPS, slot="ops-8b", tokens=30_000)
    both.begun(urgent)
    said = both.text(lower)
    # The other server never saw the first pieces, and takes what is left for the whole: a word is
    # missing for each of them, some seventy in a second of the first card's work.
    assert words(20_000).startswith(said)
    assert len(said.split()) > 19_700
    assert (both.job(urgent)["card"], both.job(lower)["card"]) != (first, first)


def test_one_card_serves_all_when_the_worker_of_the_other_is_dead(both: House) -> None:
    dead = where(both, "code-14b")
    both.end_worker(dead)
    jobs = [both.ask(slot=slot, tokens=5) for slot in ("code-14b", "ops-8b")]
    for job_id in jobs:
        row: Any = both.done(job_id, seconds=LEASE_SECONDS + 10)
        assert both.job(row.id)["card"] != dead
    both.worker(dead)


def test_one_card_serves_all_when_the_server_of_the_other_is_sick(both: House) -> None:
    home = where(both, "code-14b")
    # No fault that a client could tell from a server that is ill for good.
    both.fault("error_line", card=home, times=0)
    both.fault("load_failure", card=home, times=0)
    jobs = [both.ask(slot="reason-14b", tokens=5) for _ in range(4)]
    states = Counter(both.ended(job_id).state for job_id in jobs)
    assert set(states) <= {"done", "dead"}
