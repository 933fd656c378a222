"""A plan of faults is repeatable, meets every process, and wipes Redis in the midst."""

import pytest

from tests.chaos.faults import PROCESSES, WIPE, plan


def test_a_seed_always_gives_the_same_plan():
    assert plan(7, 25) == plan(7, 25) != plan(8, 25)


@pytest.mark.parametrize("seed", range(20))
def test_no_process_is_killed_twice_before_all_have_been(seed):
    killed = [fault.what for fault in plan(seed, 60) if fault.what != WIPE]
    first = killed[: len(PROCESSES)]
    assert sorted(first) == sorted(PROCESSES)


@pytest.mark.parametrize("seed", range(20))
def test_redis_is_wiped_once_in_the_midst(seed):
    (wipe,) = [fault for fault in plan(seed, 25) if fault.what == WIPE]
    assert 10 <= wipe.at <= 15


@pytest.mark.parametrize("seed", range(20))
def test_a_long_plan_wipes_redis_in_each_part_of_it(seed):
    wipes = [fault.at for fault in plan(seed, 180, wipes=3) if fault.what == WIPE]
    assert [int(at // 60) for at in wipes] == [0, 1, 2]
