"""From samples to an alert."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.monitoring.evaluation import Standing, Thresholds, fold, transition
from adapters.monitoring.port import Sample

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Thresholds(bad_after=2, good_after=2, silence=timedelta(seconds=30))


def sample(second: float, *, ok: bool) -> Sample:
    at = BEGAN + timedelta(seconds=second)
    return Sample("p", at, ok, "ok" if ok else "no_answer", None, "ms", "")


def run(marks: str, limits: Thresholds = LIMITS) -> list[Standing]:
    standings = [Standing()]
    for second, mark in enumerate(marks):
        standings.append(fold(standings[-1], sample(second, ok=mark == "g"), limits))
    return standings


def test_it_fires_at_the_last_of_enough_bad_samples() -> None:
    after = run("gbb")[-1]
    assert (after.status, after.starts_at) == ("firing", BEGAN + timedelta(seconds=2))


def test_the_first_bad_sample_is_kept() -> None:
    assert run("gbbbgb")[-1].first_bad_at == BEGAN + timedelta(seconds=1)


def test_one_bad_sample_is_forgotten_by_a_good_one() -> None:
    after = run("bg")[-1]
    assert (after.status, after.first_bad_at) == ("quiet", None)


def test_a_good_blip_does_not_resolve() -> None:
    assert run("bbgbgb")[-1].status == "firing"


def test_it_resolves_at_the_last_of_enough_good_samples() -> None:
    after = run("bbgg")[-1]
    assert (after.status, after.ends_at) == ("resolved", BEGAN + timedelta(seconds=3))


def test_it_can_fire_again() -> None:
    after = run("bbggbb")[-1]
    assert (after.status, after.ends_at) == ("firing", None)


def test_a_sample_from_before_changes_nothing() -> None:
    standing = run("bb")[-1]
    assert fold(standing, sample(-5, ok=True), LIMITS) is standing


def test_silence_begins_a_good_run_anew() -> None:
    standing = fold(run("ggg")[-1], sample(100, ok=True), LIMITS)
    assert (standing.good_run, standing.good_since) == (1, BEGAN + timedelta(seconds=100))


def test_a_clock_that_is_set_back_does_not_end_the_watch() -> None:
    back = -3600
    standing = run("bb")[-1]
    for second in (1, 2):
        standing = fold(standing, sample(back + second, ok=True), LIMITS)
    assert (standing.status, standing.last_sample_at) == (
        "resolved",
        BEGAN + timedelta(seconds=back + 2),
    )


def test_an_alert_neither_ends_before_it_began_nor_begins_before_its_trouble() -> None:
    fired = fold(run("b")[-1], sample(-3600, ok=False), LIMITS)
    assert (fired.first_bad_at, fired.starts_at) == (BEGAN - timedelta(seconds=3600),) * 2
    standing = run("bb")[-1]
    for second in (1, 2):
        standing = fold(standing, sample(second - 3600, ok=True), LIMITS)
    assert standing.ends_at == standing.starts_at


marks_drawn = st.text(alphabet="gb", max_size=60)
limits_drawn = st.builds(
    Thresholds,
    st.integers(min_value=1, max_value=4),
    st.integers(min_value=1, max_value=4),
    st.just(timedelta(seconds=30)),
)


@given(marks_drawn, limits_drawn)
def test_fired_and_resolved_take_turns(marks: str, limits: Thresholds) -> None:
    standings = run(marks, limits)
    seen = [transition(a, b) for a, b in pairwise(standings)]
    became = [one for one in seen if one]
    assert became == ["fired", "resolved"] * (len(became) // 2) + ["fired"] * (len(became) % 2)


@given(marks_drawn, limits_drawn)
def test_an_alert_never_begins_before_its_trouble(marks: str, limits: Thresholds) -> None:
    for standing in run(marks, limits):
        if standing.status == "firing":
            assert standing.first_bad_at is not None
            assert standing.starts_at is not None
            assert standing.first_bad_at <= standing.starts_at


@given(marks_drawn, limits_drawn)
def test_a_good_run_is_known_exactly_while_the_last_sample_is_good(
    marks: str, limits: Thresholds
) -> None:
    standing = run(marks, limits)[-1]
    assert (standing.good_since is not None) is marks.endswith("g")
