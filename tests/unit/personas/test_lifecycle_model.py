"""The table of states and the policy of admission together: many short lives, no database."""

import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from personas.runtime.admission import LONGEST_LEAD, Places, Waiting, admitted
from personas.states import CONTROLS, ENDS, HAS_PLACE, LIVE, RUN_MOVES, RUN_STATES, may_control

PLACES = 3
SHORTEST, LONGEST = 60, 120


@dataclass(frozen=True)
class One:
    waiting: Waiting
    state: str = "pending"


@given(st.integers(0, 2**32), st.integers(SHORTEST, LONGEST))
@settings(max_examples=60)
def test_no_life_leaves_the_table_and_no_place_is_given_twice(seed, length):
    """At least 3,600 moves: arrivals, admissions, work and controls; time is a number."""
    chance, now, runs = random.Random(seed), 0.0, []  # noqa: S311 - a seed that is shown
    for number in range(length):
        now += chance.random() * 30
        if chance.random() < 0.5:
            card, priority = chance.choice(["a", "b"]), chance.randint(0, 4)
            runs.append(One(Waiting(f"{number:04}", card, priority, now)))
        moved = chance.randrange(len(runs)) if runs else -1
        if moved >= 0:
            old = runs[moved].state
            full = sum(one.state in HAS_PLACE for one in runs) >= PLACES
            # What began has its place while it is retried; out of the dead letters it needs one.
            ways = sorted(RUN_MOVES[old] - {"starting", *(["retrying"] if full else [])})
            if ways:
                runs[moved] = replace(runs[moved], state=chance.choice(ways))
        free = PLACES - sum(one.state in HAS_PLACE for one in runs)
        begun = admitted([one.waiting for one in runs if one.state == "pending"], Places(free, {}))
        runs = [replace(o, state="starting") if o.waiting in begun else o for o in runs]
        assert sum(one.state in HAS_PLACE for one in runs) <= PLACES
        left = [one.waiting for one in runs if one.state == "pending"]
        assert all(b.at <= e.at + LONGEST_LEAD for b in begun for e in left)


def test_every_state_is_reached_and_every_end_is_an_end():
    reached, edge = {"pending"}, ["pending"]
    while edge:
        edge = [new for old in edge for new in RUN_MOVES[old] if new not in reached]
        reached |= set(edge)
    assert reached == set(RUN_STATES)
    assert all(RUN_MOVES[end] <= {"retrying"} for end in ENDS)


def test_a_live_run_can_always_be_ended_and_set_aside():
    for state in LIVE:
        assert may_control(state, "cancel"), state
        assert may_control(state, "isolate"), state


def test_what_is_held_holds_no_place():
    assert not {"paused", "isolated", "pending"} & set(HAS_PLACE)


def test_nothing_can_be_told_to_a_run_that_has_succeeded():
    assert not any(may_control("succeeded", act, dead_letter=True) for act in CONTROLS)
