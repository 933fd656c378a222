"""A kill at each boundary of a run and its effects; each time the ticket ends the same."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.chaos import evidence
from tests.chaos.machines import (
    OBSERVED_CI,
    REPAIRED_CI,
    Scene,
    loaded,
    sink,
    stage,
    state,
)
from tests.doubles.machine import Death

__all__ = ["loaded", "sink", "stage", "state"]

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("boundaries")]

MANY = {"act": (1, 4, 5), "step": (1, 2, 3, 4, 5), "finish": (1, 2, 3, 4, 5), "propose": (1, 2, 3)}
"""The first effect assigns the ticket, the fourth escalates it, the fifth tells a person; there are
five steps in two runs."""

OBSERVED = [
    Death(moment, what, nth)
    for what, moments in {
        "step": ("before", "after"),
        "propose": ("before", "after"),
        "finish": ("before", "after"),
        "record": ("before", "within", "after"),
        "claim": ("before", "after"),
        "act": ("before", "after"),
        "settle": ("before", "after"),
    }.items()
    for moment in moments
    for nth in MANY.get(what if what != "act" or moment == "after" else "", (1,))
]

REPAIRED = [Death("before", "act", 3), Death("after", "act", 3), Death("after", "settle", 3)]
"""The third effect is the playbook."""


@pytest.fixture(scope="module")
def undisturbed(stage: Callable[[str], AbstractContextManager[Scene]]) -> dict[str, dict]:
    """CI -> what comes of its alert when nobody dies."""
    found = {}
    for ci in (OBSERVED_CI, REPAIRED_CI):
        with stage(ci) as scene:
            scene.play()
            assert scene.wrong() == ()
            found[ci] = scene.outcome()
    return found


def test_the_undisturbed_runs_are_what_they_should_be(undisturbed):
    states = [
        [json.loads(row)[2] for row in undisturbed[ci]["tickets"]]
        for ci in (OBSERVED_CI, REPAIRED_CI)
    ]
    assert states == [["escalated"], ["implemented", "resolved"]]


@pytest.mark.parametrize("death", OBSERVED, ids=str)
def test_the_ticket_ends_as_if_nobody_had_died(stage, undisturbed, death):
    with stage(OBSERVED_CI) as scene:
        scene.play(death)
        assert scene.outcome() == undisturbed[OBSERVED_CI]
        assert scene.wrong() == ()


@pytest.mark.parametrize("death", REPAIRED, ids=str)
def test_the_repair_ends_as_if_nobody_had_died(stage, undisturbed, death):
    with stage(REPAIRED_CI) as scene:
        scene.play(death)
        assert scene.outcome() == undisturbed[REPAIRED_CI]
        assert scene.wrong() == ()


def test_a_playbook_cut_off_in_the_middle_is_never_begun_again(stage):
    with stage(REPAIRED_CI) as scene:
        scene.play(Death("within", "act", 3))
        states = scene.owner.execute(
            "SELECT state FROM public.audit_work WHERE queue = 'executor.plays'"
        ).fetchall()
        begun = [*evidence.begun(scene.site.state / "plays")]
        wrong = scene.wrong()
    assert (states, len(begun) <= 1, wrong) == ([("in_doubt",)], True, ())
