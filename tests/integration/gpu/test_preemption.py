"""Operations stop what is lower between two tokens; what was said is kept, and gone on with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier
from tests.integration.gpu.house import House, words
from tests.waiting import eventually

LONG = 4000
"""Tokens: a second and a half of the card, at this scale."""


@pytest.fixture
def preempted(calm: House) -> Iterator[House]:
    """The served house; ops have their own model, research the other one."""
    calm.done(calm.ask(tier=Tier.RESEARCH, slot="code-14b"))
    yield calm


def ops(house: House, tokens: int = 5) -> UUID:
    """Ask as operations do."""
    return house.ask(tier=Tier.OPS, slot="ops-8b", tokens=tokens)


@contextmanager
def loading(house: House, label: str, tokens: int) -> Iterator[UUID]:
    """A lower job whose model is being loaded, for as long as this lasts."""
    house.fault("load_hang", model="astro-12b")
    lower = house.ask(slot="astro-12b", tokens=tokens, label=label)
    eventually(lambda: house.card()["doing"] == "loading")
    yield lower
    house.clear_faults()


def stopped(house: House, job_id: UUID) -> dict[str, Any]:
    """Wait until a job has been put back, and return its row."""
    found: dict[str, Any] = eventually(
        lambda: row if (row := house.job(job_id))["preemptions"] and row["state"] == "ready" else {}
    )
    return found


def test_ops_go_before_a_running_answer(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="one")
    preempted.begun(lower)
    urgent = ops(preempted)
    preempted.done(urgent)
    assert preempted.job(lower)["state"] != "done"
    preempted.done(lower)


def test_what_was_said_is_kept_meanwhile(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="two")
    preempted.begun(lower)
    ops(preempted, tokens=2000)
    row = stopped(preempted, lower)
    text = row["partial"]["text"]
    assert text == words(len(text.split()))
    assert row["tokens_done"] > 0


def test_the_continued_answer_is_the_uninterrupted_one(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="three")
    preempted.begun(lower)
    preempted.done(ops(preempted))
    assert preempted.text(lower) == words(LONG)
    assert preempted.job(lower)["preemptions"] == 1


def test_an_answer_survives_several_preemptions(preempted: House) -> None:
    lower = preempted.ask(tokens=3 * LONG, label="four")
    for times in range(1, 4):
        preempted.begun(lower)
        preempted.done(ops(preempted))
        assert preempted.job(lower)["preemptions"] == times
    assert preempted.text(lower) == words(3 * LONG)


def test_a_streamed_answer_is_told_once(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="five", streams=True)
    preempted.begun(lower)
    preempted.done(ops(preempted))
    preempted.done(lower)
    pieces = preempted.told(lower)
    assert "".join(piece["text"] for piece in pieces) == words(LONG)
    length = 0
    for piece in pieces:
        assert piece["at"] == length
        length += len(piece["text"])


def test_the_message_is_at_the_head_again(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="six")
    preempted.begun(lower)
    younger = preempted.ask(tokens=5)
    ops(preempted, tokens=3000)
    stopped(preempted, lower)
    queue = "research.code-14b"
    assert eventually(lambda: preempted.messages(queue)[1:]) == [str(younger)]
    assert preempted.messages(queue) == [str(lower), str(younger)]
    preempted.done(lower)
    row = preempted.done(younger)
    assert row.started_at > preempted.job(lower)["finished_at"]


def test_a_schema_bound_answer_is_begun_anew(preempted: House) -> None:
    body = {"format": {"type": "array", "items": {"type": "string", "minLength": 900},
                       "minItems": 12}}  # fmt: skip
    lower = preempted.ask(tokens=None, body=body, bound=True, label="seven")
    preempted.begun(lower)
    preempted.done(ops(preempted))
    row = preempted.job(lower)
    assert (row["partial"], row["tokens_done"]) == ({}, 0) or row["state"] != "ready"
    assert preempted.text(lower).count('"' + "w" * 900 + '"') == 12
    assert preempted.job(lower)["preemptions"] == 1


def test_ops_are_not_stopped_by_ops(preempted: House) -> None:
    first = preempted.ask(tier=Tier.OPS, slot="reason-14b", tokens=2000)
    preempted.begun(first)
    second = ops(preempted)
    preempted.done(second)
    row = preempted.done(first)
    assert row.preemptions == 0
    assert row.finished_at < preempted.job(second)["started_at"]


def test_a_load_is_not_stopped(preempted: House) -> None:
    with loading(preempted, "eight", LONG) as lower:
        urgent = ops(preempted)
    preempted.done(urgent)
    loads = [each["ev"] for each in preempted.seen() if each.get("model") == "astro-12b"]
    assert loads[:2] == ["load_start", "loaded"]
    preempted.done(lower)


def test_who_gave_way_before_it_began_was_not_preempted(preempted: House) -> None:
    with loading(preempted, "nine", 20) as lower:
        urgent = ops(preempted)
    preempted.done(urgent)
    assert preempted.done(lower).preemptions == 0


def test_embeddings_are_not_stopped_within_a_call(preempted: House) -> None:
    big = preempted.embed(["some words here " * 20] * 60)
    preempted.begun(big)
    preempted.done(ops(preempted))
    row = preempted.done(big)
    assert row.preemptions == 0


def test_the_ledger_counts_preemptions(preempted: House) -> None:
    lower = preempted.ask(tokens=LONG, label="eleven")
    preempted.begun(lower)
    preempted.done(ops(preempted))
    preempted.done(lower)
    assert preempted.entries(lower)[-1][1]["preemptions"] == 1


def test_a_cancelled_answer_ends_between_two_tokens(preempted: House) -> None:
    from gpu import rows

    lower = preempted.ask(tokens=20 * LONG)
    preempted.begun(lower)
    assert rows.cancel(lower, "nobody waits")
    row = preempted.ended(lower)
    assert (row.state, row.error_code) == ("cancelled", "gpu.cancelled")
    eventually(lambda: not preempted.simulated["card0"].machine.running)


def test_a_cancelled_waiter_never_begins(preempted: House) -> None:
    from gpu import rows

    first = preempted.ask(tokens=LONG)
    waiter = preempted.ask(tokens=5)
    assert rows.cancel(waiter, "nobody waits")
    assert preempted.ended(waiter).state == "cancelled"
    preempted.done(first)
    assert preempted.job(waiter)["started_at"] is None


def test_an_answer_whose_request_is_a_prompt_is_continued_as_well(preempted: House) -> None:
    body: dict[str, Any] = {"prompt": "one two three", "sampling": {"num_predict": LONG}}
    lower = preempted.submit(
        Request(Tier.RESEARCH, "code-14b", JobKind.GENERATE, "person:ada", body, label="twelve")
    )
    preempted.begun(lower)
    preempted.done(ops(preempted))
    answer: Any = preempted.done(lower).answer
    assert answer["response"] == words(LONG)
