"""How a clock is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ethops.sla import words
from ethops.sla.calendars import Calendar
from ethops.sla.standing import Standing, standing
from ethops.sla.stopwatch import Phase
from ethops.sla.terms import Given

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
RUNS = Standing(
    kind="ttr", word="running", target_s=14_400, used_s=6_600, due_at=NOW, calendar="office",
    outside=False, counts_again=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (RUNS, "2 h 10 min left of 4 h"),
        (
            replace(RUNS, counts_again=NOW + timedelta(hours=12)),
            "2 h 10 min left of 4 h, paused overnight",
        ),
        (
            replace(RUNS, counts_again=NOW + timedelta(hours=1)),
            "2 h 10 min left of 4 h, paused until 21:00 UTC",
        ),
        (
            replace(RUNS, counts_again=NOW + timedelta(hours=60)),
            "2 h 10 min left of 4 h, paused until Sat 28 Nov 08:00 UTC",
        ),
        (replace(RUNS, word="paused"), "2 h 10 min left of 4 h, paused while it waits"),
        (replace(RUNS, word="late", used_s=15_900), "late by 25 min; 4 h were promised"),
        (replace(RUNS, word="met"), "took 1 h 50 min of 4 h"),
        (replace(RUNS, word="missed", used_s=18_600), "took 5 h 10 min; 4 h were promised"),
        (replace(RUNS, outside=True), "2 h 10 min left, as the outside desk says"),
    ],
)
def test_a_clock_is_said_in_calm_words(clock: Standing, said: str) -> None:
    assert words.said(clock, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min"), (3_600, "1 h"), (7_859, "2 h 10 min")],
)
def test_lengths(seconds: int, said: str) -> None:
    assert words.length(seconds) == said


def at(phase: Phase, due: datetime | None, since: datetime = NOW) -> Standing:
    office = Calendar("UTC", (((28_800, 64_800),),) * 5 + ((), ()))
    given = Given(36_000, "office", office)
    return standing(
        kind="ttr", phase=phase, used_s=600, since=since, due_at=due, given=given, now=NOW
    )


def test_after_hours_a_clock_runs_and_nothing_counts() -> None:
    shown = at("running", NOW + timedelta(hours=20), since=NOW - timedelta(hours=3))
    assert (shown.word, shown.used_s) == ("running", 600 + 3_600)
    assert shown.counts_again == datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def test_the_second_in_which_it_is_due_is_still_in_time() -> None:
    assert at("running", NOW).word == "running"
    assert at("running", NOW - timedelta(seconds=1)).word == "late"
    assert (at("stopped", None).word, at("stopped", NOW).word) == ("met", "missed")
    assert at("paused", None).word == "paused"
