"""Whether a change was right, from what is known of it afterwards."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.autonomy.judging import TRIED, Facts, is_due, judge

THEN = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def facts(**said):
    given_ = {
        "outcome": "done",
        "code": "",
        "settled_at": THEN,
        "patience": timedelta(seconds=50),
        "well_before": False,
        "well_after": True,
    }
    return Facts(**{**given_, **said})


ALL = st.builds(
    facts,
    outcome=st.sampled_from(["done", "failed"]),
    code=st.sampled_from(["", *TRIED, "executor.tree_changed"]),
    well_before=st.none() | st.booleans(),
    well_after=st.none() | st.booleans(),
    again_at=st.none() | st.just(THEN + timedelta(minutes=5)),
)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({}, "right"),
        ({"well_before": None}, "right"),
        ({"well_after": False}, "wrong"),
        ({"well_after": None}, "unknown"),
        ({"well_before": True}, "unknown"),
        ({"again_at": THEN + timedelta(minutes=5)}, "wrong"),
        ({"outcome": "failed", "code": "executor.play_failed"}, "wrong"),
        ({"outcome": "failed", "code": "executor.stopped"}, "unknown"),
        ({"outcome": "failed", "code": "executor.tree_changed"}, "unknown"),
    ],
)
def test_what_each_course_is_called(said, verdict):
    assert judge(facts(**said)).verdict == verdict


def test_what_was_well_needed_nothing():
    assert judge(facts(well_before=True)).healed_alone


def test_breaking_what_was_well_is_a_proven_false_action():
    assert judge(facts(well_before=True, well_after=False)).proven_false


@given(ALL)
def test_only_what_was_well_and_is_not_proves_anything(known):
    proven = judge(known).proven_false
    assert not proven or (known.well_before is True and known.well_after is False)


@given(ALL)
def test_what_is_proven_false_is_wrong_and_has_a_reason(known):
    ruling = judge(known)
    assert ruling.why
    assert not ruling.proven_false or ruling.verdict == "wrong"


def test_a_failure_is_judged_at_once_and_the_rest_after_its_time():
    later = THEN + timedelta(seconds=54)
    assert is_due(facts(outcome="failed"), THEN)
    assert not is_due(facts(), later)
    assert is_due(facts(), later + timedelta(seconds=1))
