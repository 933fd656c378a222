"""What detectors find, by their own measure and against a second one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.agentops import detectors
from personas.agentops.detectors import AtWork, anomalies, closing, deadlocks, predicted

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)
RUNS = [UUID(int=n + 1) for n in range(8)]
BORN = {run: BEGAN + timedelta(seconds=n) for n, run in enumerate(RUNS)}
EDGES = st.sets(st.tuples(st.sampled_from(RUNS), st.sampled_from(RUNS)), max_size=30)


def reaches_itself(edges, run):
    """Whether a run waits for itself in the end: by closure, not by search."""
    seen = {parent for child, parent in edges if child == run}
    for _ in RUNS:
        seen |= {parent for child, parent in edges if child in seen}
    return run in seen


@given(EDGES)
def test_nobody_waits_for_himself_once_the_named_are_ended(edges):
    ended = {found.ended for found in deadlocks(edges, BORN)}
    left = {edge for edge in edges if edge[0] not in ended}
    assert not any(reaches_itself(left, run) for run in RUNS)


@given(EDGES)
def test_whoever_is_ended_is_the_youngest_of_a_true_circle(edges):
    for found in deadlocks(edges, BORN):
        pairs = zip(found.circle, (*found.circle[1:], found.circle[0]), strict=True)
        assert set(pairs) <= set(edges)
        assert found.ended == max(found.circle, key=BORN.__getitem__)


@given(EDGES)
def test_where_nobody_waits_for_himself_nobody_is_ended(edges):
    free = {edge for edge in edges if edge[0] < edge[1]}
    assert deadlocks(free, BORN) == []


def test_a_run_that_is_over_is_in_no_circle():
    edges = [(RUNS[0], RUNS[1]), (RUNS[1], RUNS[0])]
    assert deadlocks(edges, {RUNS[0]: BEGAN}) == []


def test_a_chain_of_ten_thousand_is_walked():
    runs = [UUID(int=n) for n in range(10_000)]
    edges = [*pairwise(runs), (runs[-1], runs[0])]
    found = deadlocks(edges, dict.fromkeys(runs, BEGAN))
    assert len(found) == 1


def at_work(calls, card="responder"):
    return AtWork(RUNS[0], card, "INC-1", calls, BEGAN)


@pytest.mark.parametrize(("calls", "hit"), [(29, False), (30, True), (31, True)])
def test_ten_times_the_usual_is_an_anomaly(calls, hit):
    assert bool(anomalies([at_work(calls)], {"responder": [3, 3, 3, 2, 9]})) is hit


def test_a_card_that_is_not_known_yet_has_no_usual():
    assert anomalies([at_work(500)], {"responder": [1, 1, 1, 1]}) == []


def test_runs_that_asked_for_nothing_make_no_anomaly_of_the_first_question():
    assert anomalies([at_work(9)], {"responder": [0] * 20}) == []


@given(st.lists(st.integers(0, 50), min_size=5, max_size=50), st.integers(0, 600))
def test_no_run_within_what_its_card_has_done_is_an_anomaly(earlier, calls):
    if anomalies([at_work(calls)], {"responder": earlier}):
        usual = sorted(earlier)[(len(earlier) - 1) // 2]
        assert calls >= 10 * max(1, usual)


@pytest.mark.parametrize(
    ("depth", "level"),
    [(0, "open"), (49, "open"), (50, "slow"), (79, "slow"), (80, "narrow"), (100, "shut")],
)
def test_the_declared_rule(depth, level):
    assert closing(depth, bound=100).level == level


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 300))
def test_more_waiting_never_opens(depth, more, bound):
    before, after = closing(depth, bound=bound), closing(depth + more, bound=bound)
    assert after.lowest_priority <= before.lowest_priority
    assert after.retry_after_s >= before.retry_after_s


@given(st.integers(0, 1000))
def test_what_is_critical_is_always_let_in(depth):
    assert closing(depth, bound=10).lowest_priority >= 0


def test_a_queue_that_grows_is_seen_before_it_is_full():
    assert predicted(10, arrived=20, left=10, seconds=30) == 30


def test_a_queue_that_shrinks_is_not_trusted():
    assert predicted(10, arrived=0, left=30, seconds=30) == 10


def test_no_time_passed_predicts_nothing():
    assert predicted(10, arrived=9, left=0, seconds=0) == 10


def test_every_level_is_named():
    assert {found.level for _, found in detectors.CLOSINGS} | {"open"} == {
        "open", "slow", "narrow", "shut",
    }  # fmt: skip
