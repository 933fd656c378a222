"""When somebody is told: rules, quiet hours over every change of clocks, pauses that grow."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from ethops.notify import policy
from ethops.notify.policy import Fact, Quiet, Wanted

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "Africa/Casablanca",
)  # fmt: skip
NIGHT = Quiet("Europe/Berlin", time(22), time(7))

clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))
quiets = st.builds(Quiet, st.sampled_from(ZONES), clocks, clocks)
instants = st.builds(
    datetime.fromtimestamp, st.integers(1_230_768_000, 1_956_528_000), st.just(UTC)
)
# Around changes of clocks, which chance would hardly meet.
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2011, 12, 30, 10, tzinfo=UTC),
]  # fmt: skip
near = st.builds(
    lambda at, s: at + timedelta(seconds=s), st.sampled_from(CHANGES), st.integers(-90_000, 90_000)
)


def wall_is_within(at, quiet):
    """The same by minutes of the day, written another way."""
    wall = at.astimezone(ZoneInfo(quiet.zone))
    now = wall.hour * 60 + wall.minute
    begin = quiet.begin.hour * 60 + quiet.begin.minute
    length = (quiet.end.hour * 60 + quiet.end.minute - begin) % 1440
    return (now - begin) % 1440 < length


@given(instants | near, quiets)
def test_quiet_is_what_the_wall_clock_says(at, quiet):
    assert policy.is_quiet(at, quiet) == wall_is_within(at, quiet)


@given(instants | near, quiets)
@example(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), Quiet("Europe/Berlin", time(22), time(2, 30)))
@example(datetime(2026, 10, 25, 0, 40, tzinfo=UTC), Quiet("Europe/Berlin", time(22), time(2, 30)))
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), Quiet("Europe/Berlin", time(2), time(2, 59)))
def test_what_waits_goes_at_the_first_minute_that_is_not_quiet(at, quiet):
    when = policy.may_go(at, quiet, "P3")
    assert not wall_is_within(when, quiet)
    if when == at:
        return
    assert wall_is_within(at, quiet)
    assert when - at <= timedelta(hours=25)
    step = at
    while step + timedelta(minutes=1) < when:
        step += timedelta(minutes=1)
        assert wall_is_within(step, quiet)


@given(instants | near, quiets)
def test_p1_goes_whatever_the_hour(at, quiet):
    assert policy.may_go(at, quiet, "P1") == at


def test_the_hour_that_a_clock_skips_is_not_waited_for():
    quiet = Quiet("Europe/Berlin", time(22), time(2, 30))
    at = datetime(2026, 3, 29, 0, 10, tzinfo=UTC)
    # At 01:00 UTC the wall shows 03:00: half past two never comes.
    assert policy.may_go(at, quiet, "P2") == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_equal_ends_are_no_quiet_hours():
    assert not policy.is_quiet(CHANGES[0], Quiet("UTC", time(7), time(7)))


@given(st.integers(1, 40))
def test_pauses_grow_and_stay_within_four_hours(told):
    assert policy.FIRST_PAUSE <= policy.pause(told) <= policy.pause(told + 1)
    assert policy.pause(told + 1) <= policy.LONGEST_PAUSE


@given(st.integers(1, 40), instants | near, st.none() | quiets)
def test_telling_again_waits_and_ends(told, at, quiet):
    when = policy.next_time(told, at, quiet, "P2")
    assert (when is None) == (told >= policy.MOST_TOLD)
    assert when is None or when >= at + policy.pause(told)


def test_the_one_after_is_told_once():
    assert [n for n in range(1, 20) if policy.escalates(n)] == [policy.ESCALATES_AFTER]


FACT = Fact("moved", "incident", "P2", "resolved", "shop", "ev_resolve")


def test_a_rule_that_asks_nothing_speaks_of_all_of_its_occasion():
    assert policy.matches(Wanted("moved"), FACT)
    assert not policy.matches(Wanted("said"), FACT)


def test_each_thing_that_a_rule_asks_must_be_so():
    good: dict[str, Any] = {
        "ticket_class": "incident", "priorities": ("P1", "P2"), "states": ("resolved",),
        "service": "shop",
    }  # fmt: skip
    wrong: dict[str, Any] = {
        "ticket_class": "problem", "priorities": ("P1",), "states": ("closed",), "service": "mail",
    }  # fmt: skip
    assert policy.matches(Wanted("moved", **good), FACT)
    for name, value in wrong.items():
        assert not policy.matches(Wanted("moved", **{**good, name: value}), FACT), name
