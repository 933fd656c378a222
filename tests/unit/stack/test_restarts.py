"""Backoff and crash loops as pure policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.stack.restarts import Exit, RestartPolicy, next_delay

POLICY = RestartPolicy()


def exits(*times: float, lived: float = 1.0) -> list[Exit]:
    return [Exit(at=at, lived=lived) for at in times]


@pytest.mark.parametrize(("count", "delay"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)])
def test_each_early_end_doubles_the_wait(count: int, delay: float) -> None:
    assert next_delay(POLICY, exits(*range(count))) == delay


def test_the_fifth_early_end_in_a_minute_is_a_crash_loop() -> None:
    assert next_delay(POLICY, exits(0, 10, 20, 30, 40)) is None


def test_early_ends_that_are_far_apart_are_no_crash_loop() -> None:
    assert next_delay(POLICY, exits(0, 100, 200, 300, 400)) == 0.5


def test_a_process_that_had_settled_begins_a_new_count() -> None:
    ends = [*exits(0, 1, 2, 3), Exit(at=20, lived=15), *exits(21)]
    assert next_delay(POLICY, ends) == 0.5


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_the_wait_is_never_longer_than_the_longest(times: list[float]) -> None:
    patient = RestartPolicy(exits=1000)
    delay = next_delay(patient, exits(*sorted(times)))
    assert delay is not None
    assert patient.first_delay_seconds <= delay <= patient.longest_delay_seconds
