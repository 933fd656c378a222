"""Which plays came true: pure."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from personas.evaluation.outcomes import Act, standings

RUN, OTHER = UUID(int=1), UUID(int=2)


def act(step=1, *, run=RUN, engine="rules", done=True, resolved=True):
    return Act(run, step, "responder", engine, 1.0, done, resolved)


def brier(*acts):
    (found,) = standings(acts)
    return found.calibration.brier


def test_a_play_that_mended_came_true():
    assert brier(act()) == 0


def test_a_play_that_failed_did_not_though_the_incident_was_resolved():
    assert brier(act(done=False)) == 1


def test_a_play_after_which_nothing_was_well_did_not():
    assert brier(act(resolved=False)) == 1


def test_of_two_plays_the_last_one_helped():
    assert brier(act(1), act(5)) == 0.5


def test_runs_are_judged_apart():
    assert brier(act(1), act(5, run=OTHER)) == 0


def test_engines_are_never_mixed():
    assert [found.engine for found in standings([act(), act(engine="ops (8b)")])] == [
        "ops (8b)",
        "rules",
    ]


ACTS = st.builds(
    Act,
    run=st.sampled_from([RUN, OTHER]),
    step=st.integers(1, 5),
    card=st.sampled_from(["a", "b"]),
    engine=st.sampled_from(["rules", "ops"]),
    confidence=st.floats(0, 1),
    done=st.booleans(),
    resolved=st.booleans(),
)


@given(st.lists(ACTS, max_size=30))
def test_every_act_is_counted_once(acts):
    assert sum(found.calibration.outcomes for found in standings(acts)) == len(acts)
