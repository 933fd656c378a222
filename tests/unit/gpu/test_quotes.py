"""Quotes: the policy played forward on what waits."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.policy.best import Best
from gpu.policy.strict import Strict
from gpu.policy.view import Policy, State
from gpu.quotes import CardNow, Job, Now, Quote, quotes
from gpu.replay import virtual
from gpu.tiers import Tier
from tests.unit.gpu import cards
from tests.unit.gpu.cards import (
    BIG,
    CODE,
    EMBED,
    EMBEDDING,
    OPS,
    RESEARCH,
    SHARED,
    SINGLE,
    SMALL,
)

NOW = 1000.0
CARD = CardNow("one", State(), SINGLE)
PLACES = [(OPS, SMALL), (OPS, BIG), (EMBEDDING, EMBED), (RESEARCH, BIG), (RESEARCH, CODE)]


def job(name: str, tier: Tier, slot: str, age: float = 1.0, **more) -> Job:
    said = {"tokens_in": 0, "tokens_out": 260.0, "embeds": slot == EMBED, **more}
    return Job(name, tier, slot, NOW - age, **said)


def researching(left_s: float) -> CardNow:
    """A card in the middle of a long answer."""
    running = Now(RESEARCH, CODE, embeds=False, arrived=NOW - 50, ends_at=NOW + left_s)
    return replace(CARD, state=State(resident=(CODE,)), running=running)


def told(*jobs: Job, cards: tuple[CardNow, ...] = (CARD,), policy: Policy | None = None):
    return {quote.id: quote for quote in quotes(NOW, jobs, cards, policy or Best())}


def test_nothing_waits():
    assert quotes(NOW, [], [CARD], Best()) == []


def test_a_job_starts_after_its_load_and_ends_after_its_tokens():
    # 9 s of loading; 0.1 s for the call, a second of reading, 10 s of writing.
    quote = told(job("a", RESEARCH, CODE, tokens_in=800))["a"]
    assert (quote.position, quote.start, quote.card) == (1, NOW + 9.0, "one")
    assert quote.end == pytest.approx(NOW + 20.1)


def test_a_resident_slot_starts_at_once():
    there = replace(CARD, state=State(resident=(CODE,)))
    assert told(job("a", RESEARCH, CODE), cards=(there,))["a"].start == NOW


def test_positions_are_the_order_of_the_starts():
    found = told(job("r", RESEARCH, CODE, 9), job("e", EMBEDDING, EMBED, 5), job("o", OPS, SMALL))
    assert [(quote.id, quote.position) for quote in found.values()] == [
        ("o", 1), ("e", 2), ("r", 3),
    ]  # fmt: skip


def test_one_call_starts_several_embeddings():
    found = told(job("a", EMBEDDING, EMBED, 2), job("b", EMBEDDING, EMBED, 1))
    assert (found["a"].start, found["a"].end) == (found["b"].start, found["b"].end)


def test_a_call_that_is_full_leaves_the_next_behind():
    big = {"tokens_in": 12_000}
    found = told(job("a", EMBEDDING, EMBED, 2, **big), job("b", EMBEDDING, EMBED, 1, **big))
    assert found["b"].start == found["a"].end


def test_what_runs_ends_first():
    busy = researching(30.0)
    assert told(job("a", RESEARCH, CODE), cards=(busy,))["a"].start == NOW + 30


def test_what_should_have_ended_ends_now():
    busy = researching(-30.0)
    assert told(job("a", RESEARCH, CODE), cards=(busy,))["a"].start == NOW


def test_what_is_loaded_now_is_resident_afterwards():
    busy = replace(CARD, running=Now(OPS, SMALL, embeds=False, arrived=NOW, ends_at=NOW + 9,
                                     loading=True))  # fmt: skip
    assert told(job("a", OPS, SMALL), cards=(busy,))["a"].start == NOW + 9


def test_ops_stop_what_runs_and_its_rest_comes_later():
    busy = researching(30.0)
    found = told(job("o", OPS, SMALL), job("r", RESEARCH, CODE), cards=(busy,))
    assert found["o"].start == pytest.approx(NOW + 0.2 + 4.0)
    assert found["r"].start >= found["o"].end + 9.0 + 30.0


def test_a_policy_that_stops_nothing_lets_it_end():
    busy = researching(30.0)
    assert told(job("o", OPS, SMALL), cards=(busy,), policy=Strict())["o"].start == NOW + 34.0


def test_embeddings_that_get_late_stop_research_on_the_way():
    long = job("r", RESEARCH, CODE, 5, tokens_out=26_000.0)
    there = replace(CARD, state=State(resident=(CODE,)))
    found = told(long, job("e", EMBEDDING, EMBED, 1), cards=(there,))
    assert found["e"].start < NOW + 200 < NOW + 1000 < found["r"].end


def test_foreign_work_leaves_an_empty_card():
    busy = replace(CARD, running=Now(RESEARCH, "card", embeds=False, arrived=NOW, ends_at=NOW + 60))
    assert told(job("a", RESEARCH, CODE), cards=(busy,))["a"].start == NOW + 69.0


def test_what_no_card_serves_has_no_quote():
    assert told(job("a", RESEARCH, "unheard-of"), job("b", RESEARCH, CODE)).keys() == {"b"}


def test_no_card_no_quote():
    assert told(job("a", RESEARCH, CODE), cards=()) == {}


def test_two_cards_share_what_waits():
    cards_now = (replace(CARD, state=State(resident=(CODE,))),
                 replace(CARD, name="two", state=State(resident=(BIG,))))  # fmt: skip
    found = told(job("a", RESEARCH, CODE, 2), job("b", RESEARCH, BIG, 1), cards=cards_now)
    assert {quote.id: (quote.card, quote.start) for quote in found.values()} == {
        "a": ("one", NOW), "b": ("two", NOW),
    }  # fmt: skip


def test_two_cards_end_a_backlog_earlier():
    jobs = [job(str(number), RESEARCH, CODE, 50 - number) for number in range(20)]
    one = told(*jobs)
    two = told(*jobs, cards=(CARD, replace(CARD, name="two")))
    assert last_end(two) - NOW < 0.7 * (last_end(one) - NOW)
    assert {quote.card for quote in two.values()} == {"one", "two"}


def last_end(found: dict[str, Quote]) -> float:
    return max(quote.end for quote in found.values())


@pytest.mark.parametrize("policy", [Best(), Strict()], ids=lambda policy: policy.name)
@pytest.mark.parametrize("facts", [SINGLE, SHARED], ids=["single", "shared"])
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_quotes_come_true_when_nothing_else_comes(policy, facts, places):
    trace = [replace(one, at=0.0, tokens_in=1500) for one in cards.at_once(*places, tokens_out=700)]
    log = virtual.replay(trace, policy, facts)
    started: dict[str, float] = {}
    for event in log:
        if event.ev == "started":
            started.setdefault(str(event.job), event.at)
    waiting = [
        Job(str(one.id), one.tier, one.slot, 0.0, one.tokens_in, float(one.tokens_out), one.embeds)
        for one in trace
    ]
    found = quotes(0.0, waiting, [CardNow("one", State(), facts)], policy)
    assert {quote.id: quote.start for quote in found} == pytest.approx(started, abs=0.5)


def test_three_hundred_jobs_are_quoted_in_no_time():
    jobs = [
        Job(str(n), *PLACES[n % 5], NOW - n, 900, 300.0, PLACES[n % 5][1] == EMBED)
        for n in range(300)
    ]
    spent = []
    for _ in range(5):
        began = time.process_time()
        assert len(quotes(NOW, jobs, [CARD], Best())) == 300
        spent.append(time.process_time() - began)
    assert min(spent) < 0.050
