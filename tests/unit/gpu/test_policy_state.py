"""What a policy remembers, and how it is stored."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.policy.chosen import POLICIES, UnknownPolicyError, named
from gpu.policy.strict import Strict
from gpu.policy.view import Linger, State, Visit
from gpu.tiers import TIERS, Tier, queue_name, split
from tests.unit.gpu.cards import BIG, CODE, EMBED, OPS, RESEARCH, SINGLE, SMALL, ops, research

SLOTS = st.sampled_from([SMALL, BIG, CODE, EMBED])
SECONDS = st.floats(0, 2e9, allow_nan=False)
STATES = st.builds(
    State,
    resident=st.lists(SLOTS, unique=True).map(tuple),
    visits=st.lists(st.builds(Visit, st.sampled_from(Tier), SLOTS, SECONDS)).map(tuple),
    lingers=st.lists(st.builds(Linger, st.text(max_size=40), SLOTS, SECONDS)).map(tuple),
)


@given(STATES)
def test_a_state_comes_back_from_json(state):
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    "said",
    [
        None, 7, "x", [], {}, {"resident": [1], "visits": [], "lingers": []},
        {"resident": [], "visits": [["ops", "a"]], "lingers": []},
        {"resident": [], "visits": [["boss", "a", 1.0]], "lingers": []},
        {"resident": [], "visits": [["ops", "a", True]], "lingers": []},
        {"resident": [], "visits": [], "lingers": [["r", "a", "soon"]]},
    ],
)  # fmt: skip
def test_what_is_no_state_is_refused(said):
    with pytest.raises(ValueError, match="begin with an empty one"):
        State.from_json(said)


def test_what_is_really_resident_keeps_the_known_order():
    state = State(resident=(SMALL, BIG, EMBED)).with_resident([EMBED, CODE, SMALL])
    assert state.resident == (SMALL, EMBED, CODE)


def test_loading_and_unloading():
    state = State().loaded(SMALL).loaded(EMBED).loaded(SMALL)
    assert state.resident == (EMBED, SMALL)
    assert state.unloaded(EMBED).resident == (SMALL,)


def test_strict_serves_the_highest_tier_by_age():
    waiting = [research(oldest=0.0), ops(SMALL, 9.0), ops(BIG, 8.0)]
    assert Strict().choose(10.0, waiting, State(resident=(SMALL,)), SINGLE).serve == (OPS, BIG)


def test_strict_never_stops_or_waits():
    assert Strict().choose(10.0, [], State(), SINGLE).serve is None
    assert Strict().choose(10.0, [research()], State(), SINGLE).serve == (RESEARCH, CODE)


def test_policies_are_known_by_name():
    assert {name: named(name).name for name in POLICIES} == {"celery": "celery", "best": "best"}


def test_an_unknown_policy_is_answered_with_the_known_ones():
    with pytest.raises(UnknownPolicyError, match="choose one of best, celery"):
        named("worst")


@pytest.mark.parametrize("tier", TIERS)
def test_a_queue_is_named_by_tier_and_slot(tier):
    assert split(queue_name(tier, "ops-8b")) == (tier, "ops-8b")


@pytest.mark.parametrize("queue", ["", "ops", "ops.", "control", "boss.a", ".a"])
def test_other_queues_are_not_ours(queue):
    with pytest.raises(ValueError, match="no queue of the card"):
        split(queue)
