"""What is wrong with an observer, and when that is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.telemetry.port import Observer
from ethops.desk.observers import alarms

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WELL = Observer(
    host="web", source="file", silent_after_s=3600, skew_s=30, began_at=NOW - timedelta(days=1),
    read_at=NOW, heard_until=NOW - timedelta(minutes=10), gap_from=None, gap_until=None,
    clock_off_at=None, fault="",
)  # fmt: skip
LONG_AGO = NOW - timedelta(hours=2)
MINUTES_AGO = NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"heard_until": LONG_AGO}, ["silent"]),
        ({"read_at": LONG_AGO}, ["silent"]),
        ({"heard_until": None, "began_at": NOW}, []),
        ({"heard_until": None}, ["silent"]),
        # Declared, and not begun: its silence counts from then on.
        ({"began_at": None, "heard_until": None}, []),
        ({"began_at": None, "heard_until": None, "read_at": LONG_AGO}, ["silent"]),
        ({"fault": "no such file"}, []),
        ({"fault": "no such file", "read_at": MINUTES_AGO}, ["fault"]),
        ({"gap_from": LONG_AGO, "gap_until": MINUTES_AGO}, ["gap"]),
        ({"clock_off_at": NOW}, ["clock"]),
        ({"clock_off_at": NOW, "read_at": LONG_AGO}, ["silent", "clock"]),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], kinds: list[str]) -> None:
    assert [alarm.kind for alarm in alarms(replace(WELL, **change), NOW)] == kinds  # type: ignore[arg-type]


def test_one_silence_is_one_occasion_however_long_it_lasts() -> None:
    silent = replace(WELL, heard_until=LONG_AGO)
    later = NOW + timedelta(hours=3)
    said = [*alarms(silent, NOW), *alarms(replace(silent, read_at=later), later)]
    assert len({alarm.since for alarm in said}) == 1
    assert len(said) == 2
