"""A thousand planted mismatches among true uses: all are found, and nothing else."""

from collections import Counter

import pytest

from ethops.desk.key_use import Finding, judge_end, judge_permit, judge_use
from tests.doubles.other_side import Story, make

SEEDS = (1, 2, 3, 4, 5)


def findings(story: Story) -> dict[str, Finding]:
    said: dict[str, Finding | None] = {}
    for use in story.uses:
        said[f"use:{use.id}"] = judge_use(use, story.world)
        said[f"end:{use.id}"] = judge_end(use, story.world)
    logins = story.logins
    for host, permits in story.world.permits.items():
        for permit in permits:
            said[f"permit:{permit.id}"] = judge_permit(permit, logins[host], story.world)
    return {subject: finding for subject, finding in said.items() if finding is not None}


@pytest.fixture(scope="module", params=SEEDS)
def story(request: pytest.FixtureRequest) -> Story:
    return make(request.param)


@pytest.fixture(scope="module")
def wrong(story: Story) -> dict[str, Finding]:
    return {subject: one for subject, one in findings(story).items() if one.is_mismatch}


def test_the_world_is_large_and_has_every_kind(story: Story) -> None:
    assert len(story.planted) == 1000
    assert set(Counter(story.planted.values()).values()) == {100}
    assert len(story.uses) > 6000


def test_every_planted_mismatch_is_found(story: Story, wrong: dict[str, Finding]) -> None:
    assert {s: k for s, k in story.planted.items() if s not in wrong} == {}


def test_nothing_true_is_called_a_mismatch(story: Story, wrong: dict[str, Finding]) -> None:
    assert {s: f.faults for s, f in wrong.items() if s not in story.planted} == {}


def test_each_is_called_what_it_is(story: Story, wrong: dict[str, Finding]) -> None:
    # On a busy site something is permitted elsewhere at almost any time.
    alike = {"no_permit": "wrong_host", "outside_window": "wrong_host"}
    amiss = {
        subject: (kind, wrong[subject].faults)
        for subject, kind in story.planted.items()
        if subject in wrong and not {kind, alike.get(kind)} & set(wrong[subject].faults)
    }
    assert amiss == {}
