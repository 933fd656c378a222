"""What a question is told of a value's last hour: few numbers, what is missing, and no text."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.monitoring.port import Hour, Point, Probe
from personas.runtime import facts, trends
from personas.runtime.trends import Trend, pace
from tests.unit.personas.known import KNOWN, NOW, PROBE

DISK = replace(PROBE, name="disk", kind="filesystem", params={"path": "/", "max_percent": 90})
WEEK = Hour(NOW - timedelta(days=7), 40.0, 41.0, 42.0, 60)


def points(value: Callable[[float], float], count: int = 60) -> tuple[Point, ...]:
    """Values over an hour, of the share of it that has passed."""
    ago = timedelta(hours=1)
    return tuple(
        Point(NOW - ago + ago * n / (count - 1), value(n / (count - 1))) for n in range(count)
    )


RISING = points(lambda share: 70 + 2 * share)


def test_a_value_that_fills_up_is_told_with_when_it_is_full() -> None:
    assert trends.facts(Trend(DISK, RISING, WEEK)) == {
        "trend.probe": "disk",
        "trend.points": 60,
        "trend.minutes": 60.0,
        "trend.min": 70.0,
        "trend.median": 71.0,
        "trend.max": 72.0,
        "trend.last": 72.0,
        "trend.per_hour": 2.0,
        "trend.limit": 90,
        "trend.hours_left": 9.0,
        "trend.week_min": 40.0,
        "trend.week_median": 41.0,
        "trend.week_max": 42.0,
    }


def test_what_nobody_knows_is_said_to_be_missing() -> None:
    assert trends.facts(Trend(DISK, (), None)) == {
        "trend.probe": "disk", "trend.missing": ["hour", "week_before"],
    }  # fmt: skip
    assert trends.facts(Trend(DISK, RISING, None))["trend.missing"] == ["week_before"]
    assert "trend.missing" not in trends.facts(Trend(DISK, RISING, WEEK))


@pytest.mark.parametrize(
    "value",
    [
        lambda _: 70.0,
        lambda share: 70 + (share * 8 % 1),
        lambda share: 80 - abs(share - 0.5),
    ],
    ids=["flat", "back and forth", "up and down"],
)
def test_what_wavers_goes_nowhere(value: Callable[[float], float]) -> None:
    assert pace(points(value)) is None
    assert "trend.hours_left" not in trends.facts(Trend(DISK, points(value), None))


def test_a_few_points_are_no_trend() -> None:
    assert pace(points(lambda share: share, count=11)) is None
    assert pace(points(lambda share: share, count=12)) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(
    ("probe", "value", "hours"),
    [
        (DISK, lambda share: 91 + share, None),
        (DISK, lambda share: 80 - share, None),
        (DISK, lambda share: 70 + share / 100, None),
        (replace(DISK, kind="http", params={"slow_ms": 90}), lambda share: 70 + share, None),
        (replace(DISK, kind="directory", params={"max_bytes": 2e9}), lambda s: 1e9 + 1e8 * s, 9.0),
        (replace(DISK, kind="prometheus", params={"min": 10}), lambda share: 13 - share, 2.0),
        (replace(DISK, kind="prometheus", params={"min": 10}), lambda share: 13 + share, None),
    ],
    ids=["past it", "away from it", "beyond a week", "no such kind", "bytes", "down", "from below"],
)
def test_how_long_is_left_is_reckoned_where_a_limit_lies_ahead(
    probe: Probe, value: Callable[[float], float], hours: float | None
) -> None:
    assert trends.facts(Trend(probe, points(value), None)).get("trend.hours_left") == hours


def test_it_takes_little_room_and_is_numbers_and_names_of_ours() -> None:
    odd = points(lambda share: 12345.678901234 + share / 3)
    found = trends.facts(Trend(DISK, odd, replace(WEEK, middle=1 / 3)))
    assert len(json.dumps(found)) < 400
    assert {type(one) for name, one in found.items() if name != "trend.probe"} <= {int, float}


def test_the_facts_stand_in_a_question() -> None:
    known = replace(KNOWN, trend=Trend(DISK, RISING, None))
    assert facts.facts(known, "triage")["trend.hours_left"] == 9.0
    assert not [name for name in facts.facts(KNOWN, "triage") if name.startswith("trend.")]


def test_the_probe_that_is_told_of_is_the_first_bad_one() -> None:
    well = replace(PROBE, name="a", symptom="ok")
    bad = replace(PROBE, name="b", symptom="slow")
    assert facts.shown_of((well, bad)) == bad
    assert facts.shown_of((well,)) == well
    assert facts.shown_of(()) is None
