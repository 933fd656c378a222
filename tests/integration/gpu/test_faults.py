"""A server that misbehaves in every way: no answer out of it, nothing lost, well again after."""

from collections.abc import Iterator

import httpx
import pytest

from gpu.tiers import Tier
from tests.integration.gpu.house import House, words
from tests.waiting import eventually

ATTEMPTS = 3
LEASE_SECONDS = 15
"""As people have it: a server is away for a part of it only, whatever the machine does."""


@pytest.fixture(scope="module")
def wired(house: House) -> House:
    """A house with one card, whose worker reaches everything over wires."""
    house.add_card()
    house.lay_wires()
    house.worker(ETHOPS_LEASE_SECONDS=str(LEASE_SECONDS))
    return house


@pytest.fixture
def card(wired: House) -> Iterator[House]:
    """The card, with the model of research on it."""
    wired.done(wired.ask())
    yield wired
    wired.calm()


# ---------------------------------------------------------------- streams that break


@pytest.mark.parametrize("after", [0, 40])
@pytest.mark.parametrize("kind", ["cut", "error_line", "garbage", "wrong_json", "busy", "drip"])
def test_after_a_broken_stream_the_answer_comes_whole(card: House, kind: str, after: int) -> None:
    card.fault(kind, model="code-14b", after_tokens=after, seconds=0)
    job_id = card.ask(tokens=100)
    assert card.text(job_id) == words(100)
    assert card.job(job_id)["attempts"] == 2


def test_a_load_that_fails_costs_its_job_no_attempt(card: House) -> None:
    card.done(card.ask(slot="ops-8b"))
    card.fault("load_failure", model="code-14b", times=2)
    job_id = card.ask(tokens=9)
    assert card.text(job_id) == words(9)
    assert card.job(job_id)["attempts"] == 1


def test_a_model_that_lies_on_the_card_by_half_is_told_of_until_it_is_whole(card: House) -> None:
    card.fault("half_load", model="ops-8b", times=0)
    assert card.text(card.ask(slot="ops-8b", tokens=3)) == words(3)
    assert "3584 of its 7168 MB" in card.card()["fault"]
    card.clear_faults()
    card.done(card.ask())
    card.done(card.ask(slot="ops-8b"))
    assert card.card()["fault"] == ""


def test_other_slots_are_served_while_one_does_not_load(card: House) -> None:
    card.fault("load_failure", model="astro-12b", times=0)
    card.ask(slot="astro-12b")
    eventually(lambda: "astro-12b rests" in card.card()["fault"])
    assert card.text(card.ask(slot="ops-8b", tokens=3)) == words(3)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("cut", "inference.cut_stream"),
        ("error_line", "inference.server_said"),
        ("garbage", "inference.malformed_stream"),
        ("wrong_json", "inference.malformed_stream"),
        ("busy", "inference.busy"),
    ],
)
def test_a_stream_that_always_breaks_is_no_answer(card: House, kind: str, code: str) -> None:
    card.fault(kind, model="code-14b", after_tokens=40, times=0)
    job_id = card.ask(tokens=100)
    row = card.ended(job_id)
    assert (row.state, row.error_code, row.answer) == ("dead", code, None)
    assert card.job(job_id)["attempts"] == ATTEMPTS
    assert [kind for kind, _ in card.entries(job_id)] == ["inference.asked", "inference.failed"]


def test_what_a_reader_has_heard_is_gone_on_from(card: House) -> None:
    card.fault("cut", model="ops-8b", after_tokens=400)
    job_id = card.ask(tier=Tier.OPS, slot="ops-8b", tokens=2000, streams=True)
    assert card.text(job_id) == words(2000)
    assert card.job(job_id)["attempts"] == 2
    assert "".join(piece["text"] for piece in card.told(job_id)) == words(2000)


def test_what_a_reader_has_heard_is_not_said_anew(card: House) -> None:
    card.fault("cut", model="ops-8b", after_tokens=400)
    body = {"think": False, "tools": [{"type": "function", "function": {"name": "look"}}]}
    job_id = card.ask(tier=Tier.OPS, slot="ops-8b", tokens=2000, streams=True, body=body)
    row = card.ended(job_id)
    assert (row.state, row.error_code) == ("failed", "inference.cut_stream")
    assert words(2000).startswith("".join(piece["text"] for piece in card.told(job_id)))


def test_a_stream_that_breaks_again_and_again_ends_with_what_was_said(card: House) -> None:
    card.fault("cut", model="ops-8b", after_tokens=100, times=0)
    job_id = card.ask(tier=Tier.OPS, slot="ops-8b", tokens=2000, streams=True)
    row = card.ended(job_id)
    assert (row.state, row.error_code) == ("dead", "inference.cut_stream")
    assert words(2000).startswith("".join(piece["text"] for piece in card.told(job_id)))


def test_a_request_that_the_server_refuses_is_asked_once(card: House) -> None:
    job_id = card.ask(body={"think": True})
    row = card.ended(job_id)
    assert (row.state, row.error_code) == ("failed", "inference.server_said")
    assert card.job(job_id)["attempts"] == 1


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_the_deadline_ends_what_does_not_come(card: House, kind: str) -> None:
    card.fault(kind, model="code-14b", after_tokens=40, seconds=0.01)
    row = card.ended(card.ask(tokens=100, deadline_s=5.0))
    assert (row.state, row.error_code, row.answer) == ("failed", "gpu.over_deadline", None)
    assert card.text(card.ask(tokens=9)) == words(9)


def test_a_job_that_waits_past_its_deadline_leaves_the_queue(card: House) -> None:
    busy = card.ask(tokens=80_000)
    card.begun(busy)
    late = card.ask(tokens=5, deadline_s=0.3)
    row = card.ended(late)
    assert (row.state, row.error_code) == ("cancelled", "gpu.over_deadline")
    assert card.job(late)["started_at"] is None
    assert card.job(busy)["state"] == "leased"


def test_ops_do_not_wait_for_a_server_that_hangs_below(card: House) -> None:
    card.fault("hang", model="code-14b", after_tokens=40)
    lower = card.ask(tokens=100, label="hung")
    card.begun(lower)
    assert card.text(card.ask(tier=Tier.OPS, slot="ops-8b", tokens=5)) == words(5)
    assert card.text(lower) == words(100)


# ---------------------------------------------------------------- servers that are away


def test_jobs_wait_for_a_server_that_is_away(card: House) -> None:
    card.wires["ollama"].cut()
    first = card.ask(tokens=5)
    eventually(lambda: card.card()["doing"] == "sick")
    others = [card.ask(tokens=5) for _ in range(3)]
    assert card.card()["fault"]
    card.wires["ollama"].mend()
    for job_id in (first, *others):
        assert card.text(job_id) == words(5)
    assert {card.job(job_id)["attempts"] for job_id in (first, *others)} == {1}
    eventually(lambda: (card.card()["doing"], card.card()["fault"]) == ("idle", ""))


def test_a_server_that_ends_in_the_midst_loses_nothing(card: House) -> None:
    job_id = card.ask(tokens=4000, label="away")
    card.begun(job_id)
    card.wires["ollama"].cut()
    eventually(lambda: card.card()["doing"] == "sick")
    card.wires["ollama"].mend()
    assert card.text(job_id) == words(4000)


def test_an_idle_server_that_ends_is_noticed(card: House) -> None:
    card.wires["ollama"].cut()
    eventually(lambda: card.card()["doing"] == "sick")
    card.wires["ollama"].mend()
    eventually(lambda: card.card()["doing"] == "idle")


def test_a_restart_of_postgresql_costs_no_work(card: House) -> None:
    job_id = card.ask(tokens=12_000, label="restart")
    card.begun(job_id)
    card.wires["postgres"].cut()
    said = card.simulated["card0"].machine.counts
    before = said["tokens"]
    eventually(lambda: said["tokens"] > before + 2000)
    card.wires["postgres"].mend()
    assert card.text(job_id) == words(12_000)
    assert card.job(job_id)["attempts"] == 1


def test_an_end_is_told_to_a_postgresql_that_was_away(card: House) -> None:
    job_id = card.ask(tokens=6000, label="told")
    card.begun(job_id)
    card.wires["postgres"].cut()
    eventually(lambda: not card.simulated["card0"].machine.running)
    assert card.job(job_id)["state"] == "leased"
    card.wires["postgres"].mend()
    assert card.text(job_id) == words(6000)
    kinds = [kind for kind, _ in card.entries(job_id)]
    assert kinds.count("inference.done") == 1


def test_a_restart_of_redis_loses_nothing(card: House) -> None:
    running = card.ask(tokens=4000, label="redis")
    card.begun(running)
    waiting = [card.ask(tokens=5) for _ in range(3)]
    card.wires["redis"].cut()
    assert card.text(running) == words(4000)
    card.wires["redis"].mend()
    for job_id in waiting:
        assert card.text(job_id) == words(5)
    kinds = [kind for kind, _ in card.entries(running)]
    assert kinds == ["inference.asked", "inference.done"]


# ---------------------------------------------------------------- what is resident


def test_after_a_fault_residency_is_what_the_server_says(card: House) -> None:
    httpx.post(
        f"{card.simulated['card0'].url}/api/generate", json={"model": "code-14b", "keep_alive": 0}
    )
    card.fault("cut", model="code-14b")
    card.done(card.ask(tokens=20))
    eventually(lambda: card.card()["resident"] == ["code-14b"])


def test_a_strangers_model_is_noticed_and_let_go(card: House) -> None:
    url = card.simulated["card0"].url
    assert card.card()["resident"] == ["code-14b"]
    stranger = {"model": "astro-12b", "prompt": "hello", "options": {"num_ctx": 4096}}
    httpx.post(f"{url}/api/generate", json={**stranger, "keep_alive": -1}).raise_for_status()
    eventually(lambda: card.card()["resident"] == [])
    eventually(lambda: httpx.get(f"{url}/api/ps").json()["models"] == [])
    job_id = card.ask(tokens=20)
    card.done(job_id)
    assert card.job(job_id)["swapped"] is True


def test_our_model_with_a_strangers_options_is_let_go(card: House) -> None:
    url = card.simulated["card0"].url
    card.done(card.ask(slot="ops-8b"))
    stranger = {"model": "code-14b", "prompt": "hello", "options": {"num_ctx": 4096}}
    httpx.post(f"{url}/api/generate", json={**stranger, "keep_alive": -1}).raise_for_status()
    eventually(lambda: card.card()["resident"] == [])
    assert card.text(card.ask(tokens=3)) == words(3)


def test_a_load_that_hangs_does_not_hang_the_card_for_good(card: House) -> None:
    card.fault("load_hang", model="reason-14b")
    job_id = card.ask(slot="reason-14b", tokens=5, deadline_s=5.0)
    eventually(lambda: card.card()["doing"] == "loading")
    row = card.ended(job_id, seconds=60)
    assert row.state == "failed"
    card.clear_faults()
    assert card.text(
        card.ask(tokens=3),
    ) == words(3)
