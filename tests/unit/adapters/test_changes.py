"""What became of a value since a day ago, and what an answer of a range query says."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from adapters.monitoring.changes import MOST_POINTS, MOST_SERIES, changes, judge, step_s
from adapters.monitoring.declared import ChangeParams
from adapters.monitoring.looks import Answer, Look
from adapters.monitoring.port import Point, Series
from adapters.monitoring.ranges import read

AT = datetime(2026, 3, 1, tzinfo=UTC)


def params(**said: object) -> ChangeParams:
    return ChangeParams.model_validate({"url": "http://127.0.0.1:9090", "query": "x"} | said)


def series(*values: float, name: str = "a") -> Series:
    return Series({"instance": name}, tuple(Point(AT, value) for value in values))


def seen(then: float, now: float, **limits: object):
    return judge(params(**limits), changes([series(then)], [series(now)]))


@pytest.mark.parametrize(
    ("then", "now", "limits", "symptom"),
    [
        (10, 14, {"max_rise": 5}, "ok"),
        (10, 16, {"max_rise": 5}, "over_threshold"),
        (10, 4, {"max_rise": 5}, "ok"),
        (10, 4, {"max_fall": 5}, "under_threshold"),
        (10, 16, {"max_fall": 5}, "ok"),
        (10, 15, {"max_rise_percent": 50}, "ok"),
        (10, 16, {"max_rise_percent": 50}, "over_threshold"),
        (-10, -4, {"max_rise_percent": 50}, "over_threshold"),
        (10, 4, {"max_fall_percent": 50}, "under_threshold"),
        (0, 1, {"max_rise_percent": 1000}, "over_threshold"),
        (0, 0, {"max_rise_percent": 0}, "ok"),
    ],
)
def test_a_change_is_held_against_its_limits(then, now, limits, symptom):
    assert seen(then, now, **limits).symptom == symptom


def test_it_is_said_what_it_was_and_is():
    assert seen(10, 16, max_rise=5).said == (
        "instance=a is 16 and was 10 24 h ago: more than it may."
    )


def test_one_odd_value_is_no_change():
    then, now = [series(1, 1, 1)], [series(1, 900, 1)]
    assert judge(params(max_rise=5), changes(then, now)).symptom == "ok"


def test_the_series_that_moved_most_is_named():
    then = [series(1, name="a"), series(1, name="b")]
    now = [series(20, name="a"), series(90, name="b")]
    found = judge(params(max_rise=5), changes(then, now))
    assert (found.value, found.said.startswith("instance=b")) == (89, True)


@pytest.mark.parametrize(("empty", "symptom"), [("bad", "wrong_content"), ("ok", "ok")])
def test_a_series_that_is_gone_is_not_well_unless_it_may(empty, symptom):
    then = [series(1, name="a"), series(1, name="b")]
    found = judge(params(max_rise=5, empty=empty), changes(then, [series(1, name="a")]))
    assert found.symptom == symptom


def test_a_new_series_is_not_compared():
    now = [series(1, name="a"), series(900, name="new")]
    assert judge(params(max_rise=5), changes([series(1, name="a")], now)).symptom == "ok"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_as_if_it_were_not_there(value):
    assert seen(1, value, max_rise=5).symptom == "wrong_content"


@pytest.mark.parametrize("window_s", [60, 3600, 86_400])
def test_no_window_has_more_points_than_are_read(window_s):
    assert window_s / step_s(window_s) + 1 <= max(MOST_POINTS, 61)


def answer(body: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), 1.0)


def matrix(count: int) -> object:
    rows = [{"metric": {"n": str(n)}, "values": [[1.5, "3"]]} for n in range(count)]
    return {"status": "success", "data": {"resultType": "matrix", "result": rows}}


def test_a_range_vector_is_read():
    rows = read(answer(matrix(1)))
    assert not isinstance(rows, Look)
    (found,) = rows
    assert (found.labels, [point.value for point in found.points]) == ({"n": "0"}, [3.0])


@pytest.mark.parametrize(
    "body",
    [
        matrix(MOST_SERIES + 1),
        {"data": {"result": [{"metric": {}, "value": [1, "2"]}]}},
        {},
        [],
        "x",
    ],
    ids=["too many", "an instant vector", "nothing", "a list", "text"],
)
def test_what_is_no_range_vector_is_wrong_content(body):
    found = read(answer(body))
    assert isinstance(found, Look)
    assert found.symptom == "wrong_content"


def test_a_refusal_is_told_in_its_own_words():
    found = read(answer({"error": "parse error"}, status=400))
    assert isinstance(found, Look)
    assert "parse error" in found.detail


@pytest.mark.parametrize(
    "said", [{"empty": "ok"}, {"max_rise": 1, "window_s": 7200, "ago_s": 3600}]
)
def test_a_probe_without_a_limit_or_with_windows_that_overlap_is_refused(said):
    with pytest.raises(ValidationError):
        params(**said)
