"""When the recorder looks by itself, and for how long it must."""

import pytest

from audit.rush import (
    CROWD,
    GATHERING_SECONDS,
    LONGEST_SECONDS,
    LOOKING_SECONDS,
    MANY,
    RENEWED_SECONDS,
    SHORTEST_SECONDS,
    WINDOW_SECONDS,
    Rush,
)


def rushing(last=1):
    rush = Rush()
    rush.met(MANY, 10.0)
    rush.promised(10.0)
    rush.met(last, 10.0)
    return rush


@pytest.mark.parametrize(
    ("looks", "needed"),
    [
        ([(MANY, 1.0)], True),
        ([(MANY - 1, 1.0)], False),
        ([(MANY // 2, 1.0), (MANY - MANY // 2, 1.0 + 0.9 * WINDOW_SECONDS)], True),
        ([(MANY // 2, 1.0), (MANY - MANY // 2, 1.0 + 1.1 * WINDOW_SECONDS)], False),
        ([], False),
    ],
    ids=["many at once", "one less", "many within the window", "over two windows", "none"],
)
def test_it_pays_to_look_where_many_come_within_the_window(looks, needed):
    rush = Rush()
    for count, at in looks:
        rush.met(count, at)
    assert rush.needs_promise(2.0) is needed


def test_a_promise_is_not_made_again_while_enough_of_it_is_left():
    assert not rushing().needs_promise(10.0 + LOOKING_SECONDS - RENEWED_SECONDS)


def test_a_promise_is_made_again_in_time():
    assert rushing().needs_promise(10.01 + LOOKING_SECONDS - RENEWED_SECONDS)


def test_without_a_promise_a_call_will_come():
    rush = Rush()
    rush.met(1, 10.0)
    assert rush.pause() is None


def test_it_looks_once_more_where_the_last_look_began_within_the_promise():
    rush = rushing()
    rush.met(0, 9.99 + LOOKING_SECONDS)
    assert rush.pause() is not None


def test_it_waits_to_be_called_once_a_look_began_after_the_promise():
    rush = rushing()
    rush.met(0, 10.0 + LOOKING_SECONDS)
    assert rush.pause() is None


def test_it_looks_again_soon_after_it_found_something():
    assert rushing().pause() == SHORTEST_SECONDS


@pytest.mark.parametrize(
    ("found", "pause"),
    [(CROWD - 1, SHORTEST_SECONDS), (CROWD, GATHERING_SECONDS)],
    ids=["eight who wait", "a crowd that writes on"],
)
def test_it_lets_more_come_together_only_where_a_look_found_a_crowd(found, pause):
    assert rushing(found).pause() == pause


def test_it_looks_soon_again_once_the_crowd_is_gone():
    rush = rushing(CROWD)
    rush.met(CROWD - 1, 10.0)
    assert rush.pause() == SHORTEST_SECONDS


def test_it_looks_less_often_in_vain_but_never_seldom():
    rush, pauses = rushing(), []
    for _ in range(40):
        rush.met(0, 10.0)
        pauses.append(rush.pause())
    assert (pauses == sorted(pauses), pauses[-1]) == (True, LONGEST_SECONDS)
