"""Hours, holidays and clock changes, one example each."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ethops.sla.calendars import ALL_DAY, ALWAYS, Calendar, add, elapsed, opens
from ethops.sla.errors import NeverOpenError

OFFICE = ((8 * 3600, 12 * 3600), (13 * 3600, 17 * 3600))
BERLIN = Calendar("Europe/Berlin", (OFFICE,) * 5 + ((), ()), frozenset({date(2026, 12, 25)}))
EVERY_NIGHT = Calendar("Europe/Berlin", (ALL_DAY,) * 6 + (((2 * 3600, 3 * 3600),),))
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "seconds", "due"),
    [
        ("2026-11-25T07:00", 3600, "2026-11-25T08:00"),
        ("2026-11-25T06:00", 3600, "2026-11-25T08:00"),
        ("2026-11-25T10:30", 3600, "2026-11-25T12:30"),
        ("2026-11-25T10:30", 1800, "2026-11-25T11:00"),
        ("2026-11-27T15:30", 3600, "2026-11-30T07:30"),
        ("2026-12-24T15:30", 3600, "2026-12-28T07:30"),
        ("2026-07-01T05:00", 3600, "2026-07-01T07:00"),
    ],
    ids=["open", "before", "over noon", "to noon", "weekend", "holiday", "summer time"],
)
def test_due_by_office_hours(begin: str, seconds: int, due: str) -> None:
    assert add(BERLIN, at(begin), seconds) == at(due)
    assert elapsed(BERLIN, at(begin), at(due)) == seconds


def test_an_hour_that_the_clock_skips_counts_for_nobody() -> None:
    gap = at("2026-03-29T00:00")
    assert elapsed(EVERY_NIGHT, gap, gap + 12 * HOUR) == 0


def test_an_hour_that_comes_twice_counts_twice() -> None:
    fold = at("2026-10-25T00:00")
    assert elapsed(EVERY_NIGHT, fold, fold + 12 * HOUR) == 2 * 3600


def test_round_the_clock_every_second_counts() -> None:
    begin = at("2026-03-28T23:59:59")
    assert elapsed(ALWAYS, begin, begin + 25 * HOUR) == 25 * 3600
    assert add(ALWAYS, begin, 90_000) == begin + 25 * HOUR


def test_it_opens_again_after_the_weekend() -> None:
    assert opens(BERLIN, at("2026-11-27T20:00")) == at("2026-11-30T07:00")
    assert opens(BERLIN, at("2026-11-30T09:00")) == at("2026-11-30T09:00")


def test_a_calendar_that_never_opens_is_no_endless_loop() -> None:
    never = Calendar("UTC", ((),) * 7)
    with pytest.raises(NeverOpenError, match="3600 s from 2026-11-25"):
        add(never, at("2026-11-25T00:00"), 3600)
