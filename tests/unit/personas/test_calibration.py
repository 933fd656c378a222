"""Calibration and what being wrong costs: figures that hold for every input."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.evaluation.calibration import (
    BY_RISK,
    ENOUGH,
    Calibration,
    Costs,
    Outcome,
    brier,
    calibration,
    ece,
    may_act,
    over,
    threshold,
    wilson,
)

SHARES = st.floats(min_value=0, max_value=1)
OUTCOMES = st.lists(st.builds(Outcome, SHARES, st.booleans()), min_size=1, max_size=80)
MONEY = st.floats(min_value=0, max_value=1000)


@given(OUTCOMES)
def test_both_figures_lie_between_nought_and_one(outcomes):
    assert 0 <= brier(outcomes) <= 1
    assert 0 <= ece(outcomes) <= 1 + 1e-9


@given(OUTCOMES)
def test_the_error_of_bins_never_exceeds_the_root_of_the_brier_score(outcomes):
    assert ece(outcomes) <= math.sqrt(brier(outcomes)) + 1e-9


@given(OUTCOMES, st.randoms())
def test_the_order_does_not_matter(outcomes, random):
    mixed = random.sample(outcomes, len(outcomes))
    assert math.isclose(ece(mixed), ece(outcomes), abs_tol=1e-9)
    assert math.isclose(brier(mixed), brier(outcomes), abs_tol=1e-9)


@given(st.lists(st.booleans(), min_size=1))
def test_certainty_that_comes_true_is_perfect(truths):
    outcomes = [Outcome(float(true), true) for true in truths]
    assert (brier(outcomes), ece(outcomes)) == (0, 0)


@given(st.lists(st.booleans(), min_size=1))
def test_certainty_that_never_comes_true_is_as_bad_as_can_be(truths):
    outcomes = [Outcome(float(not true), true) for true in truths]
    assert (brier(outcomes), ece(outcomes)) == (1, 1)


def test_a_share_that_is_kept_is_calibrated_though_single_answers_are_wrong():
    outcomes = [Outcome(0.8, n % 5 != 0) for n in range(50)]
    assert ece(outcomes) == pytest.approx(0)
    assert brier(outcomes) == pytest.approx(0.16)


def test_the_last_bin_holds_one_and_bins_do_not_cancel_out():
    # In one bin the two would cancel; in two they do not.
    assert ece([Outcome(each, true=True) for each in (1.0, 0.05)]) == pytest.approx(0.475)
    assert ece([Outcome(each, true=True) for each in (1.0, 0.95)]) == pytest.approx(0.025)


@given(st.lists(st.builds(Outcome, SHARES, st.booleans()), max_size=ENOUGH - 1))
def test_few_outcomes_are_never_calibrated(outcomes):
    known = calibration(outcomes)
    assert not known.is_calibrated
    assert known.said.startswith("uncalibrated")


@given(st.floats(0, 1), st.sampled_from(sorted(BY_RISK)))
def test_who_is_uncalibrated_may_not_act_however_sure(confidence, risk):
    assert not may_act(confidence, risk, Calibration(10_000, 0.2, 0.11, 0.11, 0.99))
    assert not may_act(confidence, risk, calibration([]))


def test_who_is_calibrated_may_act_from_the_threshold_on():
    known = Calibration(ENOUGH, 0.05, 0.02, 0.02, 0.9)
    assert may_act(0.8, "low", known)
    assert not may_act(0.79, "low", known)


def test_what_came_true_must_prove_as_much_as_is_asked_of_confidence():
    all_true = calibration(Outcome(0.99, true=True) for _ in range(ENOUGH))
    assert may_act(0.99, "low", all_true)
    assert not may_act(0.99, "medium", all_true)


def test_who_is_right_more_often_than_he_says_may_act():
    modest = calibration(Outcome(0.8, true=True) for _ in range(ENOUGH))
    assert modest.ece == pytest.approx(0.2)
    assert may_act(0.8, "low", modest)


def test_who_is_surer_than_right_may_not_act():
    boastful = calibration(Outcome(1.0, true=n % 8 != 0) for n in range(ENOUGH * 10))
    assert boastful.over == pytest.approx(0.126)
    assert not may_act(1.0, "none", boastful)


@given(OUTCOMES)
def test_being_too_sure_is_a_part_of_the_error(outcomes):
    assert 0 <= over(outcomes) <= ece(outcomes) + 1e-9


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_share_proves_no_more_than_itself_and_more_the_more_there_are(true, false):
    of = true + false
    proven = wilson(true, of)
    assert 0 <= proven <= (true / of if of else 0) + 1e-9
    assert wilson(2 * true, 2 * of) >= proven - 1e-9


def test_an_unknown_risk_is_never_acted_on():
    assert not may_act(1.0, "odd", Calibration(ENOUGH, 0.0, 0.0, 0.0, 1.0))


@given(MONEY, MONEY, MONEY, SHARES)
def test_acting_is_allowed_exactly_where_it_costs_no_more_than_asking(wrong, person, right, sure):
    # Where an act that goes wrong is cheaper than one that goes right, nothing is to be said.
    costs = Costs(wrong=max(wrong, right), person=person, right=right)
    acting = sure * costs.right + (1 - sure) * costs.wrong
    if sure > threshold(costs) + 1e-9:
        assert acting <= person + 1e-6
    elif sure < threshold(costs) - 1e-9:
        assert acting >= person - 1e-6


@given(MONEY, MONEY, MONEY)
def test_the_dearer_a_wrong_act_the_surer_one_must_be(person, first, second):
    low, high = sorted((first, second))
    assert threshold(Costs(low, person)) <= threshold(Costs(high, person))


def test_the_thresholds_rise_with_the_risk():
    found = [threshold(BY_RISK[risk]) for risk in ("none", "low", "medium", "high")]
    assert found == sorted(found)
    assert found[:2] == [0.5, 0.8]
