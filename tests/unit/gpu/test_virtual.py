"""The card in virtual time: what it takes, and what its log says."""

import math

import pytest

from gpu.policy.best import Best
from gpu.policy.plain import Plain
from gpu.policy.strict import Strict
from gpu.policy.view import Choice
from gpu.profile import read_profile
from gpu.replay import virtual
from gpu.replay.events import Event
from gpu.replay.virtual import UnplayableError
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
    at_once,
    job,
)


def told(jobs, policy=None, facts=SINGLE) -> list[tuple]:
    """Return the log in short: what, when, and of what."""
    log = virtual.replay(jobs, policy or Best(), facts)
    return [
        (event.ev, round(event.at, 3), event.model if event.job is None else event.job)
        for event in log
    ]


def at(log: list[tuple], ev: str, what: object) -> list[float]:
    return [when for name, when, of in log if (name, of) == (ev, what)]


def test_a_job_takes_its_load_its_prompt_and_its_tokens():
    # 9 s of loading; 0.1 s for the call, 1000 tokens to read at 800 a second, 260 to write at 26.
    assert told([job(0, RESEARCH, CODE, tokens_out=260)]) == [
        ("enqueued", 0.0, 0),
        ("load_start", 0.0, CODE),
        ("loaded", 9.0, CODE),
        ("started", 9.0, 0),
        ("finished", 20.35, 0),
    ]


def test_the_next_call_of_a_run_comes_when_the_last_has_ended():
    first = job(0, OPS, SMALL, tokens_out=450, more=True)
    log = told([first, job(1, OPS, SMALL, after=first, think=5.0)])
    assert at(log, "enqueued", 1) == [pytest.approx(at(log, "finished", 0)[0] + 5.0)]


def test_a_stopped_job_goes_on_with_what_it_has():
    long = job(0, RESEARCH, CODE, tokens_out=1000)
    log = virtual.replay([long, job(1, OPS, SMALL, 20.0)], Best(), SINGLE)
    stop = next(event for event in log if event.ev == "preempted")
    # Ready to write at 10.35 s: 250.9 tokens in 9.65 s, and the last one is let end.
    assert stop.tokens == 251
    assert stop.at == pytest.approx(10.35 + 251 / 26 + 0.2)
    again = [event.at for event in log if event.ev == "started" and event.job == 0][1]
    end = next(event.at for event in log if event.ev == "finished" and event.job == 0)
    assert end - again == pytest.approx(0.1 + (1000 + 251) / 800 + (1000 - 251) / 26)


def test_what_was_loaded_in_vain_is_left_for_ops():
    log = told([job(0, RESEARCH, CODE), job(1, OPS, SMALL, 3.0)])
    assert at(log, "started", 1) == [9.0 + 4.0]
    assert at(log, "loaded", CODE) == [9.0, at(log, "finished", 1)[0] + 9.0]


def test_strict_lets_it_finish():
    log = told([job(0, RESEARCH, CODE), job(1, OPS, SMALL, 3.0)], Strict())
    assert at(log, "started", 0) == [9.0]


def test_several_embeddings_share_a_call():
    log = told(at_once((EMBEDDING, EMBED), (EMBEDDING, EMBED)))
    assert at(log, "started", 0) == at(log, "started", 1) == [5.0]
    assert at(log, "finished", 0) == at(log, "finished", 1) == [pytest.approx(5.0 + 0.1 + 0.8)]


def test_a_call_is_not_stopped_and_ops_come_after_it():
    jobs = [job(0, EMBEDDING, EMBED, tokens_in=12_500), job(1, OPS, SMALL, 6.0)]
    assert at(told(jobs), "started", 1) == [pytest.approx(5.0 + 5.1 + 4.0)]


def test_between_two_calls_ops_come_in():
    jobs = [job(n, EMBEDDING, EMBED, tokens_in=12_500) for n in range(3)]
    log = told([*jobs, job(3, OPS, SMALL, 6.0)])
    assert at(log, "started", 3)[0] < at(log, "started", 1)[0]


def test_strict_sends_embeddings_one_by_one():
    log = told(at_once((EMBEDDING, EMBED), (EMBEDDING, EMBED)), Strict())
    assert at(log, "started", 1) == at(log, "finished", 0)


def test_models_that_fit_stay_beside_each_other():
    log = told(at_once((OPS, SMALL), (EMBEDDING, EMBED), (OPS, SMALL)), facts=SHARED)
    assert [name for name, *_ in log].count("load_start") == 2
    assert [name for name, *_ in log].count("unloaded") == 0


def test_the_log_is_in_the_order_of_time():
    log = virtual.replay(at_once((RESEARCH, CODE), (OPS, SMALL), (RESEARCH, BIG)), Best(), SINGLE)
    assert [event.at for event in log] == sorted(event.at for event in log)


def test_a_model_that_the_card_has_not_is_named():
    with pytest.raises(UnplayableError, match=r"gpt-9\. It has big, code, embed, small"):
        virtual.replay([job(0, RESEARCH, "gpt-9")], Best(), SINGLE)


class _Never(Plain):
    name = "never"

    def choose(self, now, waiting, state, facts) -> Choice:
        del now, waiting, state, facts
        return Choice(None, math.inf)


class _Yesterday(Plain):
    name = "yesterday"

    def choose(self, now, waiting, state, facts) -> Choice:
        del waiting, state, facts
        return Choice(None, now)


def test_a_policy_that_leaves_work_is_told():
    with pytest.raises(UnplayableError, match="leaves 1 jobs waiting"):
        virtual.replay([job(0, RESEARCH, CODE)], _Never(), SINGLE)


def test_a_policy_that_stands_still_is_told():
    with pytest.raises(UnplayableError, match="woken in the past"):
        virtual.replay([job(0, RESEARCH, CODE)], _Yesterday(), SINGLE)


def test_the_simulated_card_is_the_profile_of_that_name():
    profile = read_profile("simulated").value
    assert profile is not None
    assert virtual.SIMULATED.vram_mb == profile.vram_mb - profile.reserve_mb
    assert virtual.SIMULATED.single == profile.single
    assert {
        slot.name: (slot.load_s, slot.vram_mb, slot.tokens_per_s, slot.prefill_per_s, slot.embeds)
        for slot in virtual.SIMULATED.slots.values()
    } == {
        slot.name: (
            slot.load_s, slot.vram_mb, slot.tokens_per_s, slot.prefill_per_s, slot.kind == "embed",
        )
        for slot in profile.slots
    }  # fmt: skip


def test_an_empty_trace_has_an_empty_log():
    assert virtual.replay([], Best(), SINGLE) == []


def test_events_say_which_model_a_job_started_on():
    log = virtual.replay([job(0, OPS, SMALL)], Best(), SINGLE)
    assert Event("started", 4.0, job=0, model=SMALL) in log
