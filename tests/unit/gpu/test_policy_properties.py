"""What holds for every trace: tiers, residency, ends, and the bound on being overtaken."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpu.policy.best import VISITS_S, Best, Rules, change_s
from gpu.policy.strict import Strict
from gpu.policy.view import State
from gpu.replay import virtual
from gpu.replay.events import Event
from gpu.replay.trace import TraceJob
from gpu.tiers import RANK, Tier
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
    job,
)

POLICIES = [Strict(), Best()]
PLACES = [
    (OPS, SMALL), (OPS, BIG), (EMBEDDING, EMBED), (EMBEDDING, SMALL),
    (RESEARCH, SMALL), (RESEARCH, BIG), (RESEARCH, CODE), (RESEARCH, CODE),
]  # fmt: skip
GRAIN = 1e-6


@st.composite
def traces(draw: st.DrawFn) -> list[TraceJob]:
    """Jobs within ten minutes, some of ops in runs of up to three calls."""
    jobs: list[TraceJob] = []
    for _ in range(draw(st.integers(1, 40))):
        tier, slot = draw(st.sampled_from(PLACES))
        calls = draw(st.integers(1, 3)) if tier == OPS else 1
        before = None
        for call in range(calls):
            before = job(
                len(jobs), tier, slot, draw(st.integers(0, 600)) / 2,
                tokens_in=draw(st.integers(1, 8000)), tokens_out=draw(st.integers(1, 2000)),
                after=before, think=draw(st.integers(0, 30)) / 2, more=call < calls - 1,
            )  # fmt: skip
            jobs.append(before)
    return jobs


def every(examples: int = 60):
    """Enough traces to find what is wrong, within seconds."""
    return settings(max_examples=examples, deadline=None)


@dataclass(frozen=True)
class Stretch:
    """One job on the card, from its start to its end or stop."""

    job: TraceJob
    began: float
    ended: float


def stretches(jobs: Sequence[TraceJob], log: Sequence[Event]) -> list[Stretch]:
    by, begun, found = {one.id: one for one in jobs}, {}, []
    for event in log:
        if event.ev == "started":
            begun[event.job] = event.at
        elif event.ev in ("finished", "preempted"):
            found.append(Stretch(by[event.job], begun[event.job], event.at))
    return found


def arrivals(log: Sequence[Event]) -> dict[int | None, float]:
    return {event.job: event.at for event in log if event.ev == "enqueued"}


def first_starts(log: Sequence[Event]) -> dict[int | None, float]:
    found: dict[int | None, float] = {}
    for event in log:
        if event.ev == "started":
            found.setdefault(event.job, event.at)
    return found


def waiting_ops(jobs: Sequence[TraceJob], log: Sequence[Event], at: float) -> list[TraceJob]:
    arrived, started = arrivals(log), first_starts(log)
    return [
        one for one in jobs if one.tier == OPS and arrived[one.id] <= at < started[one.id] - GRAIN
    ]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("facts", [SINGLE, SHARED], ids=["single", "shared"])
@given(jobs=traces())
@every(30)
def test_everything_ends_with_all_its_tokens(policy, facts, jobs):
    log = virtual.replay(jobs, policy, facts)
    ends = {event.job: event.tokens for event in log if event.ev == "finished"}
    assert ends == {one.id: one.tokens_out for one in jobs}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("facts", [SINGLE, SHARED], ids=["single", "shared"])
@given(jobs=traces())
@every(30)
def test_a_job_runs_alone_and_on_its_model(policy, facts, jobs):
    by = {one.id: one for one in jobs}
    resident: set[str | None] = set()
    open_: set[int | None] = set()
    for event in virtual.replay(jobs, policy, facts):
        if event.ev == "load_start":
            assert not open_
        elif event.ev == "unloaded":
            resident.discard(event.model)
        elif event.ev == "loaded":
            resident.add(event.model)
            size = sum(facts.slots[slot].vram_mb for slot in resident)
            assert size <= facts.vram_mb
            assert len(resident) == 1 or not facts.single
        elif event.ev == "started":
            assert event.model in resident
            assert all(by[one].embeds for one in open_ | {event.job}) or not open_
            open_.add(event.job)
        elif event.ev in ("finished", "preempted"):
            open_.remove(event.job)
    assert not open_


@given(jobs=traces())
@every()
def test_nothing_lower_begins_while_ops_wait(jobs):
    log = virtual.replay(jobs, Best(), SINGLE)
    by = {one.id: one for one in jobs}
    for event in log:
        if event.ev == "started" and by[event.job].tier != OPS:
            assert not waiting_ops(jobs, log, event.at)


@given(jobs=traces())
@every()
def test_no_model_is_loaded_for_lower_work_while_ops_wait(jobs):
    log = virtual.replay(jobs, Best(), SINGLE)
    for event in log:
        waits = waiting_ops(jobs, log, event.at) if event.ev == "load_start" else []
        assert not waits or event.model in {one.slot for one in waits}


@given(jobs=traces())
@every()
def test_ops_are_never_stopped(jobs):
    by = {one.id: one for one in jobs}
    log = virtual.replay(jobs, Best(), SINGLE)
    assert all(by[event.job].tier != OPS for event in log if event.ev == "preempted")


@given(jobs=traces())
@every()
def test_a_lower_answer_stops_within_a_token_when_ops_come(jobs):
    arrived = None
    log = virtual.replay(jobs, Best(), SINGLE)
    arrived = arrivals(log)
    calls = [arrived[one.id] for one in jobs if one.tier == OPS]
    for stretch in stretches(jobs, log):
        if stretch.job.tier == OPS or stretch.job.embeds:
            continue
        came = [at for at in calls if stretch.began < at < stretch.ended]
        token = 1.0 / SINGLE.slots[stretch.job.slot].tokens_per_s
        assert all(stretch.ended - at <= virtual.CANCEL_LATENCY_S + token + GRAIN for at in came)


@given(jobs=traces())
@every()
def test_inside_a_queue_the_first_to_come_is_the_first_to_start(jobs):
    log = virtual.replay(jobs, Best(), SINGLE)
    arrived, started = arrivals(log), first_starts(log)
    for place in set(PLACES):
        mine = [one.id for one in jobs if (one.tier, one.slot) == place]
        order = sorted(mine, key=lambda number: (arrived[number], number))
        starts = [started[number] for number in order]
        assert starts == sorted(starts)


def run_of_ops(calls: int) -> list[TraceJob]:
    """A run on BIG that lingers between its calls, while research waits for CODE and for BIG."""
    jobs = [job(0, RESEARCH, CODE, 0.0), *(job(n, RESEARCH, BIG, 0.5) for n in range(1, 8))]
    before = None
    for call in range(calls):
        before = job(
            len(jobs), OPS, BIG, after=before, think=12.0, tokens_out=20, more=call < calls - 1
        )
        jobs.append(before)
    return jobs


@pytest.mark.parametrize("facts", [SINGLE, SHARED], ids=["single", "shared"])
@given(jobs=traces(), visit=st.sampled_from([0.0, 20.0, 60.0]))
@example(jobs=run_of_ops(8), visit=20.0)
@every(100)
def test_later_jobs_of_other_slots_take_no_more_than_their_visits(facts, jobs, visit):
    """The starvation bound: see gpu.policy.best."""
    policy = Best(Rules(visits_s=dict.fromkeys(Tier, visit)))
    log = virtual.replay(jobs, policy, facts)
    arrived, started = arrivals(log), first_starts(log)
    seen = stretches(jobs, log)
    longest = {one.slot: longest_of(seen, one.slot) for one in jobs}
    for one in jobs:
        for slot in longest.keys() - {one.slot}:
            came = [
                stretch
                for stretch in seen
                if (stretch.job.tier, stretch.job.slot) == (one.tier, slot)
                and arrived[stretch.job.id] > arrived[one.id]
                and stretch.began < started[one.id]
            ]
            # A call of embeddings is one piece of work, and the first of it may be older.
            pieces = {stretch.began: stretch.ended - stretch.began for stretch in came}
            jobs_more = 2 if facts.slots[slot].embeds else 1
            assert sum(pieces.values()) <= visit + jobs_more * longest[slot] + GRAIN


def longest_of(seen: Sequence[Stretch], slot: str) -> float:
    """Return the seconds of a slot's longest job; a stopped one has several stretches."""
    spent: defaultdict[int, float] = defaultdict(float)
    for one in seen:
        if one.job.slot == slot:
            spent[one.job.id] += one.ended - one.began
    return max(spent.values())


@given(jobs=traces())
@every()
def test_research_goes_on_no_longer_than_until_embeddings_are_late(jobs):
    rules = Rules()
    late_s = rules.late_changes * change_s(EMBED, SINGLE)
    jobs = [replace(one, more=False) for one in jobs]
    log = virtual.replay(jobs, Best(), SINGLE)
    arrived, started = arrivals(log), first_starts(log)
    embeds = [one.id for one in jobs if one.embeds]
    for stretch in stretches(jobs, log):
        if stretch.job.tier != RESEARCH:
            continue
        token = 1.0 / SINGLE.slots[stretch.job.slot].tokens_per_s
        slack = virtual.CANCEL_LATENCY_S + token + GRAIN
        for one in embeds:
            if arrived[one] < stretch.ended <= started[one]:
                due = max(arrived[one] + late_s, stretch.began + rules.settle_s)
                assert stretch.ended <= due + slack


class Written(Best):
    """Stores its state after every step, as the worker does."""

    def _kept(self, state: State) -> State:
        text = json.dumps(state.to_json())
        assert State.from_json(json.loads(text)) == state
        assert len(text) < 4000
        return State.from_json(json.loads(text))

    def began(self, *args, **more):
        return self._kept(super().began(*args, **more))

    def worked(self, *args, **more):
        return self._kept(super().worked(*args, **more))

    def finished(self, *args, **more):
        return self._kept(super().finished(*args, **more))


@given(jobs=traces())
@every(30)
def test_a_stored_state_makes_no_difference(jobs):
    assert virtual.replay(jobs, Written(), SINGLE) == virtual.replay(jobs, Best(), SINGLE)


@given(jobs=traces(), facts=st.sampled_from([SINGLE, SHARED]))
@every(20)
def test_the_same_trace_gives_the_same_log(jobs, facts):
    assert virtual.replay(jobs, Best(), facts) == virtual.replay(jobs, Best(), facts)


def test_ranks_are_the_order_of_the_tiers():
    assert sorted(Tier, key=lambda tier: RANK[tier]) == [OPS, EMBEDDING, RESEARCH]


def test_every_tier_has_a_visit():
    assert set(VISITS_S) == set(Tier)
