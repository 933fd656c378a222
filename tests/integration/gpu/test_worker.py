"""A real worker on a simulated card: answers, costs, slots, and one message at a time."""

import threading
import time
from typing import Any

import pytest

from gpu.errors import UnknownSlotError
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier
from tests.integration.gpu.house import UNACKED, House, words
from tests.waiting import eventually

# ---------------------------------------------------------------- answers


def test_an_answer_comes_back(calm: House) -> None:
    assert calm.text(calm.ask(tokens=7)) == words(7)


def test_a_prompt_is_answered_as_a_generation(calm: House) -> None:
    body: dict[str, Any] = {"prompt": "one two three", "sampling": {"num_predict": 4}}
    request = Request(Tier.RESEARCH, "code-14b", JobKind.GENERATE, "person:ada", body)
    row = calm.done(calm.submit(request))
    assert row.answer == {"response": words(4), "done_reason": "length"}
    assert (row.tokens_in, row.tokens_out) == (3, 4)


def test_vectors_come_back_in_their_order(calm: House) -> None:
    row: Any = calm.done(calm.embed(["moon", "sun", "moon"])).answer
    first, second, third = row["embeddings"]
    assert first == third != second


def test_a_job_without_inputs_has_no_vectors(calm: House) -> None:
    assert calm.done(calm.embed([])).answer == {"embeddings": []}


def test_what_streams_is_told_token_by_token(calm: House) -> None:
    # Of a machine that stands still for a second it gets in one piece what fell due meanwhile.
    job_id = calm.ask(tokens=20_000, tier=Tier.OPS, slot="ops-8b", streams=True)
    calm.done(job_id)
    pieces = calm.told(job_id)
    assert len(pieces) > 5
    assert "".join(piece["text"] for piece in pieces) == words(20_000)
    assert [piece["at"] for piece in pieces[:2]] == [0, len(pieces[0]["text"])]


def test_what_may_begin_anew_is_told_when_it_is_whole(calm: House) -> None:
    body = {"format": "json"}
    job_id = calm.ask(body=body, streams=True, bound=True)
    calm.done(job_id)
    assert len(calm.told(job_id)) == 1


# ---------------------------------------------------------------- refused


def test_an_unknown_slot_is_refused(calm: House) -> None:
    with pytest.raises(UnknownSlotError):
        calm.ask(slot="nobody")


def test_a_slot_of_another_tier_is_refused(calm: House) -> None:
    with pytest.raises(UnknownSlotError):
        calm.ask(tier=Tier.OPS, slot="code-14b")


def test_runner_options_of_a_request_never_reach_the_server(calm: House) -> None:
    before = calm.simulated["card0"].machine.counts["requests"]
    row = calm.ended(calm.ask(body={"sampling": {"num_ctx": 512}}, slot="ops-8b"))
    assert (row.state, row.error_code) == ("failed", "inference.refused_option")
    assert "num_ctx" in row.error
    asked = calm.simulated["card0"].machine.counts["requests"] - before
    assert asked <= 1, "at most its load"


def test_a_model_that_is_not_there_is_said_so(calm: House) -> None:
    calm.add_slot("absent", model="absent:7b")
    row = calm.ended(calm.ask(slot="absent"))
    assert (row.state, row.error_code) == ("failed", "inference.unknown_model")
    calm.retire("absent")


# ---------------------------------------------------------------- slots at run time


def test_a_slot_that_is_added_is_served_without_a_restart(calm: House) -> None:
    calm.add_slot("added", model="astro-12b")
    assert calm.text(calm.ask(slot="added", tokens=3)) == words(3)
    calm.retire("added")


def test_a_retired_slot_is_served_no_more_and_comes_back(calm: House) -> None:
    calm.add_slot("fickle", model="astro-12b")
    assert calm.text(calm.ask(slot="fickle", tokens=3)) == words(3)
    first = calm.ask(slot="fickle", publish=False)
    calm.retire("fickle")
    row = calm.ended(first)
    assert (row.state, row.error_code) == ("cancelled", "gpu.unknown_slot")
    with pytest.raises(UnknownSlotError):
        calm.ask(slot="fickle")
    calm.owner("UPDATE gpu_slot SET enabled = true WHERE name = 'fickle'")
    assert calm.text(calm.ask(slot="fickle", tokens=4)) == words(4)
    calm.retire("fickle")


def test_a_model_of_another_digest_is_refused_until_a_person_says_so(calm: House) -> None:
    calm.text(calm.ask(slot="ops-8b"))
    before = calm.digest("ops-8b")
    calm.text(calm.ask(slot="code-14b"))
    calm.fault("digest_change", model="ops-8b")
    row = calm.ended(calm.ask(slot="ops-8b"))
    assert (row.state, row.error_code) == ("failed", "gpu.slot_fault")
    assert calm.digest("ops-8b") == before
    calm.owner("SELECT gpu.unpin('ops-8b', 'ada')")
    job_id = calm.ask(slot="ops-8b", tokens=3)
    assert calm.text(job_id) == words(3)
    assert calm.digest("ops-8b") not in ("", before)
    assert calm.job(job_id)["model_digest"] == calm.digest("ops-8b")


def test_a_resident_model_of_another_digest_is_noticed(calm: House) -> None:
    calm.text(calm.ask(slot="reason-14b"))
    calm.fault("digest_change", model="reason-14b")
    eventually(
        lambda: calm.owner("SELECT 1 FROM gpu_slot WHERE name = 'reason-14b' AND fault <> ''")
    )
    assert calm.ended(calm.ask(slot="reason-14b")).error_code == "gpu.slot_fault"
    calm.owner("SELECT gpu.unpin('reason-14b', 'ada')")
    eventually(lambda: calm.digest("reason-14b"))
    assert calm.text(calm.ask(slot="reason-14b", tokens=3)) == words(3)


# ---------------------------------------------------------------- cost


def test_what_an_answer_cost_is_in_the_ledger(calm: House) -> None:
    calm.done(calm.ask(slot="ops-8b"))
    job_id = calm.ask("one two three", slot="code-14b", tokens=50)
    calm.done(job_id)
    asked, done = calm.entries(job_id)
    assert (asked[0], done[0]) == ("inference.asked", "inference.done")
    cost = done[1]
    assert cost["model_digest"] == calm.digest("code-14b") != ""
    assert (cost["tokens_in"], cost["tokens_out"]) == (3, 50)
    assert cost["swapped"] is True
    assert cost["load_us"] >= 80_000
    assert cost["latency_us"] >= cost["wait_us"] >= cost["load_us"]
    assert cost["preemptions"] == 0
    assert cost["card"] == "card0"
    assert len(cost["answer_sha256"]) == 64


def test_a_resident_model_costs_no_load(calm: House) -> None:
    calm.done(calm.ask())
    job_id = calm.ask()
    calm.done(job_id)
    cost = calm.entries(job_id)[-1][1]
    assert (cost["swapped"], cost["load_us"]) == (False, 0)


def test_what_the_card_did_is_written_down(calm: House) -> None:
    calm.done(calm.ask(slot="ops-8b"))
    job_id = calm.ask(slot="code-14b", tokens=50)
    calm.done(job_id)
    pieces = eventually(
        lambda: (
            calm.owner(
                "SELECT kind, tier, slot, ending, tokens FROM gpu_piece WHERE job = %s"
                " AND ended_at > began_at ORDER BY began_at OFFSET 0",
                job_id,
            )[1:]
            and calm.owner(
                "SELECT kind, tier, slot, ending, tokens FROM gpu_piece WHERE job = %s"
                " ORDER BY began_at",
                job_id,
            )
        )
    )
    assert pieces == [
        ("load", "research", "code-14b", "finished", 0),
        ("run", "research", "code-14b", "finished", 50),
    ]


def test_measured_times_take_the_place_of_declared_ones(calm: House) -> None:
    # Short answers of other tests say little of a speed, and would be half of the mean.
    calm.owner(
        "UPDATE gpu_slot SET measured_load_s = NULL, measured_tokens_per_s = NULL"
        " WHERE name = 'code-14b'"
    )
    calm.done(calm.ask(slot="ops-8b"))
    # Five seconds of work: a machine that stands still for two of them is not half as fast.
    calm.done(calm.ask(slot="code-14b", tokens=12_000))
    ((load, speed, mean),) = calm.owner(
        "SELECT measured_load_s, measured_tokens_per_s, mean_tokens_out FROM gpu_slot"
        " WHERE name = 'code-14b'"
    )
    assert 9.0 < load < 90.0
    assert speed == pytest.approx(26.0, rel=0.5)
    assert mean > 20


# ---------------------------------------------------------------- one message at a time


def test_never_more_than_one_message_is_outside_the_queues(calm: House) -> None:
    seen: set[int] = set()
    over = threading.Event()

    def look() -> None:
        with calm.redis() as client:
            while not over.is_set():
                seen.add(int(client.hlen(UNACKED)))
                time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    calm.fault("error_line", model="code-14b")
    jobs = [calm.ask(tokens=30, slot=slot) for slot in ("code-14b", "ops-8b") for _ in range(10)]
    for job_id in jobs:
        calm.done(job_id)
    over.set()
    watcher.join()
    assert max(seen) == 1


def test_a_second_message_of_a_job_does_nothing(calm: House) -> None:
    job_id = calm.ask(tokens=30)
    for _ in range(3):
        calm.publish(job_id)
    calm.done(job_id)
    calm.done(calm.ask())
    assert [kind for kind, _ in calm.entries(job_id)] == ["inference.asked", "inference.done"]
