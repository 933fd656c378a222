"""A card has one master: who is second refuses, who lost it ends, who leaves gives it back.

One course of events, since a worker takes seconds to start; each test looks at one thing of it.
"""

import signal
import time
from dataclasses import dataclass
from typing import Any

import pytest

from gpu.worker.boot import EXIT_TAKEN
from gpu.worker.lease import EXIT_LOST
from tests.integration.gpu.house import House, words
from tests.waiting import PATIENCE_SECONDS

LONG_LEASE = {"ETHOPS_LEASE_SECONDS": "60"}
TOKENS = 20_000
"""Four seconds: a slow machine stops it in its midst as well."""


@dataclass
class Seen:
    """What was seen in the course of events."""

    pid: int
    second: tuple[int, str]
    after_wipe: tuple[int, str]
    answered_after_wipe: str
    takeover_s: float
    resident: list[str]
    swapped: bool
    stopped: int
    card_after_stop: dict[str, Any]
    job_after_stop: dict[str, Any]
    continued: str
    elsewhere: tuple[int, str]
    lost: int
    job_after_loss: dict[str, Any]


@pytest.fixture(scope="module")
def seen(house: House) -> Seen:
    """Four workers of one card, one after the other."""
    house.add_card()
    house.declare()
    # The first: two others refuse beside it.
    first = house.worker(**LONG_LEASE)
    second = house.refused(**LONG_LEASE)
    house.wipe()
    after_wipe = house.refused(**LONG_LEASE)
    answered = house.text(house.ask(slot="ops-8b", tokens=3))
    # It dies with a lease of a minute, and its rows say nonsense of what is resident.
    house.end_worker()
    house.owner("UPDATE gpu_card SET resident = '[\"code-14b\"]', policy = '{}'")
    began = time.monotonic()
    house.worker(**LONG_LEASE)
    takeover_s, resident = time.monotonic() - began, house.card()["resident"]
    job_id = house.ask(slot="ops-8b", tokens=3)
    house.done(job_id)
    swapped = house.job(job_id)["swapped"]
    # It is stopped while it works.
    job_id = house.ask(slot="ops-8b", tokens=TOKENS, label="stopped")
    house.begun(job_id)
    stopped = house.end_worker(how=signal.SIGTERM)
    card, job = house.card(), house.job(job_id)
    # Another host has the card for a minute; then it is free again.
    house.owner(
        "UPDATE gpu_card SET holder = 'elsewhere:1:2',"
        " lease_until = clock_timestamp() + interval '1 minute'"
    )
    elsewhere = house.refused()
    house.owner("UPDATE gpu_card SET holder = '', lease_until = NULL")
    third = house.worker()
    continued = house.text(job_id)
    # It loses the card while it works.
    job_id = house.ask(tokens=100_000)
    house.begun(job_id)
    house.connect("gpu").execute(
        "SELECT gpu.take_card('card0', 'elsewhere:1:2', 60, %s)", [house.card()["holder"]]
    )
    lost = third.wait(PATIENCE_SECONDS)
    del house.workers["card0"]
    return Seen(
        first.pid, second, after_wipe, answered, takeover_s, resident, swapped, stopped, card,
        job, continued, elsewhere, lost, house.job(job_id),
    )  # fmt: skip


def test_a_second_worker_refuses_and_says_who_has_the_card(seen: Seen) -> None:
    status, said = seen.second
    assert status == EXIT_TAKEN
    assert f":{seen.pid}:" in said
    assert "Stop the other worker" in said


def test_a_second_worker_refuses_when_redis_was_wiped(seen: Seen) -> None:
    assert seen.after_wipe[0] == EXIT_TAKEN


def test_the_first_one_goes_on(seen: Seen) -> None:
    assert seen.answered_after_wipe == words(3)


def test_the_lease_of_a_dead_holder_of_this_host_is_taken_over_at_once(seen: Seen) -> None:
    assert seen.takeover_s < 30


def test_residency_is_what_the_server_says_at_the_start(seen: Seen) -> None:
    assert seen.resident == ["ops-8b"]
    assert seen.swapped is False


def test_who_is_stopped_ends_well(seen: Seen) -> None:
    assert seen.stopped == 0


def test_who_is_stopped_gives_its_card_back(seen: Seen) -> None:
    card = seen.card_after_stop
    assert (card["holder"], card["lease_until"], card["doing"]) == ("", None, "idle")


def test_who_is_stopped_gives_its_job_back_as_it_is(seen: Seen) -> None:
    job = seen.job_after_stop
    assert (job["state"], job["attempts"]) == ("ready", 0)
    assert words(TOKENS).startswith(job["partial"]["text"])
    assert job["partial"]["text"]


def test_the_next_one_goes_on_with_it(seen: Seen) -> None:
    assert seen.continued == words(TOKENS)


def test_the_lease_of_another_host_is_waited_for(seen: Seen) -> None:
    status, said = seen.elsewhere
    assert status == EXIT_TAKEN
    assert "elsewhere:1:2" in said


def test_who_lost_its_lease_ends(seen: Seen) -> None:
    assert seen.lost == EXIT_LOST


def test_what_it_had_in_hand_is_ready_again(seen: Seen) -> None:
    assert seen.job_after_loss["state"] == "ready"


def test_a_card_that_nobody_declared_is_refused(house: House, seen: Seen) -> None:
    status, said = house.refused("card9")
    assert status == EXIT_TAKEN
    assert "no card 'card9' is declared" in said
