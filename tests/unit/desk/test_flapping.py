"""Flapping against an oracle that looks at every second, and at its bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.desk.flapping import Bounds, Change, stand, turns

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = Bounds(changes=4, window=timedelta(seconds=30), calm=timedelta(seconds=10))


def at(second: float) -> datetime:
    return ZERO + timedelta(seconds=second)


def oracle(seconds: list[int], now: int) -> bool:
    """Walk second by second: begins at so many turns in the window, ends after the calm."""
    flaps = False
    for second in range(now + 1):
        last = max((one for one in seconds if one <= second), default=None)
        if last is None or second - last >= 10:
            flaps = False
        if second in seconds:
            # What lies before a gap of a window's length is out of the window anyway.
            recent = [one for one in seconds if second - 30 < one <= second]
            flaps = flaps or len(recent) >= 4
    return flaps


@given(st.sets(st.integers(0, 120), max_size=25), st.integers(0, 150))
def test_it_is_what_an_oracle_says_that_looks_at_every_second(seconds, now):
    turned = sorted(seconds)
    found = stand([at(second) for second in turned], at(now), BOUNDS)
    assert (found.since is not None) == oracle(turned, now)


@given(st.sets(st.integers(0, 120), max_size=25), st.integers(0, 150))
def test_it_began_at_a_turn_and_not_in_the_future(seconds, now):
    found = stand([at(second) for second in sorted(seconds)], at(now), BOUNDS)
    assert found.since is None or (
        found.since in {at(s) for s in seconds} and found.since <= at(now)
    )


@given(st.sets(st.integers(0, 120), max_size=25), st.integers(0, 150))
def test_what_lies_before_a_calm_and_a_window_changes_nothing(seconds, now):
    """So a history may be cut off there."""
    turned = [at(second) for second in sorted(seconds)]
    cut = [one for one in turned if one > at(now) - BOUNDS.window - BOUNDS.calm]
    whole, part = stand(turned, at(now), BOUNDS), stand(cut, at(now), BOUNDS)
    # Only what has flapped without a calm for longer than that began earlier than the cut shows.
    assert part.since is None or whole.since is not None


def test_three_turns_are_not_enough():
    assert stand([at(0), at(1), at(2)], at(2), BOUNDS).since is None


def test_the_fourth_begins_it():
    assert stand([at(0), at(1), at(2), at(3)], at(3), BOUNDS).since == at(3)


def test_between_the_bounds_it_goes_on():
    turned = [at(second) for second in (0, 1, 2, 3, 12, 21, 30, 39)]
    assert stand(turned, at(45), BOUNDS).since == at(3)


def test_a_calm_ends_it():
    assert stand([at(0), at(1), at(2), at(3)], at(13), BOUNDS).since is None


@pytest.mark.parametrize("order", [1, -1])
def test_episodes_that_overlap_are_one_trouble(order):
    changes = [
        Change(at(0), "a", begins=True),
        Change(at(1), "b", begins=True),
        Change(at(2), "a", begins=False),
        Change(at(3), "b", begins=False),
    ]
    assert turns(changes[::order]) == [at(0), at(3)]


def test_an_end_without_a_beginning_is_no_turn():
    assert turns([Change(at(0), "a", begins=False)]) == []
