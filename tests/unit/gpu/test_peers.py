"""The peers' rules, and the figures they are compared by."""

import pytest

from gpu.policy.best import Best
from gpu.policy.strict import Strict
from gpu.policy.view import Policy, State
from gpu.replay import virtual
from gpu.replay.events import Event
from gpu.replay.peers import LlamaSwapRule, OllamaRule, RoundRobin
from gpu.replay.score import figures, percentile
from tests.bench.policies import ALONE, page, table
from tests.bench.traces import KINDS, trace
from tests.unit.gpu.cards import (
    BIG,
    CODE,
    EMBED,
    EMBEDDING,
    OPS,
    RESEARCH,
    SINGLE,
    SMALL,
    embeddings,
    job,
    ops,
    research,
)


def served(policy: Policy, *waiting, resident: str = ""):
    return policy.choose(9.0, waiting, State(resident=(resident,)), SINGLE).serve


def test_round_robin_gives_each_tier_its_turn():
    policy, state, order = RoundRobin(), State(), []
    for _ in range(4):
        waiting = [research(CODE), embeddings(), ops()]
        serve = policy.choose(0.0, waiting, state, SINGLE).serve
        assert serve is not None
        order.append(serve[0])
        state = policy.began(0.0, waiting, state, *serve, arrived=0.0)
    assert order == [OPS, EMBEDDING, RESEARCH, OPS]


def test_ollama_serves_what_is_loaded_and_else_the_oldest():
    waiting = research(CODE, 1.0), ops(SMALL, 5.0)
    assert served(OllamaRule(), *waiting, resident=SMALL) == (OPS, SMALL)
    assert served(OllamaRule(), *waiting) == (RESEARCH, CODE)


def test_llama_swap_serves_what_is_loaded_and_else_the_first_model():
    policy = LlamaSwapRule({SMALL: 0, EMBED: 1, CODE: 2})
    waiting = research(CODE, 1.0), ops(SMALL, 5.0)
    assert served(policy, *waiting, resident=CODE) == (RESEARCH, CODE)
    assert served(policy, *waiting) == (OPS, SMALL)


@pytest.mark.parametrize("policy", [RoundRobin(), OllamaRule(), LlamaSwapRule({})])
def test_peers_wait_for_nothing(policy):
    assert served(policy) is None


def test_figures_of_a_log():
    jobs = [job(0, RESEARCH, CODE), job(1, RESEARCH, BIG), job(2, OPS, SMALL)]
    log = [
        Event("enqueued", 10.0, job=0), Event("enqueued", 12.0, job=1),
        Event("load_start", 12.0, model=CODE), Event("loaded", 20.0, model=CODE),
        Event("started", 20.0, job=0), Event("preempted", 24.0, job=0, tokens=3),
        Event("started", 26.0, job=1), Event("finished", 28.0, job=1),
        Event("started", 30.0, job=0), Event("finished", 34.0, job=0),
    ]  # fmt: skip
    found = figures(jobs, log, scale=2.0)
    assert (found.swaps, found.loading_s, found.preemptions, found.makespan) == (1, 4.0, 1, 12.0)
    waits = found.tiers[RESEARCH]
    assert (waits.jobs, waits.mean, waits.longest) == (2, 6.0, 7.0)
    assert (waits.turnaround, waits.last) == (10.0, 12.0)
    assert found.tiers[OPS].jobs == 0


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_occur(share, value):
    assert percentile(list(range(1, 101)), share) == value


def test_no_values_no_percentile():
    assert percentile([], 0.5) == 0.0


def test_a_day_is_the_same_for_the_same_seed():
    assert trace("storm", 3) == trace("storm", 3) != trace("storm", 4)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_load_can_be_played(kind):
    day = trace(kind, 1)
    log = virtual.replay(day, Best(), virtual.SIMULATED)
    assert sum(event.ev == "finished" for event in log) == len(day)


def test_the_table_compares_with_plain_celery():
    rows = {row.name: row.ratios for row in table([0])}
    plain, ours = rows.pop("plain Celery, strict tiers"), rows["ours"]
    assert {plain[column] for column in plain if column != ALONE} == {1.0}
    assert all(ours["ops p99 wait"] < other["ops p99 wait"] for other in [plain, *rows.values()]
               if other is not ours)  # fmt: skip
    assert ours["swaps"] < 0.75
    assert page(table([0])).count("\n") == 7


def test_strict_loads_more_often():
    day = trace("overload", 2)
    plain = figures(day, virtual.replay(day, Strict(), virtual.SIMULATED))
    best = figures(day, virtual.replay(day, Best(), virtual.SIMULATED))
    assert best.swaps < 0.6 * plain.swaps
