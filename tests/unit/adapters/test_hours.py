"""What several series and their points come to, hour by hour."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.monitoring.changes import whole
from adapters.monitoring.hours import told, worst
from adapters.monitoring.port import Hour, Point, Series

AT = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)


def series(*values: float) -> Series:
    return Series({}, tuple(Point(AT + n * timedelta(minutes=20), v) for n, v in enumerate(values)))


@pytest.mark.parametrize(
    ("params", "values"),
    [
        ({"max": 9.0}, [3, 5]),
        ({"min": 1.0}, [1, 2]),
        ({"max": 9.0, "min": 1.0}, [3, 5]),
        ({}, [3, 5]),
    ],
)
def test_a_probe_goes_by_the_worst_of_its_series(
    params: dict[str, object], values: list[float]
) -> None:
    found = worst([series(1, 5), series(3, 2), series(float("nan"), float("inf"))], params)
    assert [point.value for point in found] == values


def test_hours_are_told_apart() -> None:
    ten, eleven = whole(AT), whole(AT) + timedelta(hours=1)
    assert list(told(series(4, 2, 9, 7).points)) == [
        Hour(ten, 2, 3, 4, 2),
        Hour(eleven, 7, 8, 9, 2),
    ]


def test_nothing_is_told_of_nothing() -> None:
    assert list(told(worst([], {}))) == []
