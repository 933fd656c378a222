"""10,000 random histories through calendars and changes of clocks, equal to the second."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.tickets.passages import Passage
from ethops.sla import stopwatch
from ethops.sla.calendars import Calendar
from ethops.sla.stopwatch import KINDS
from ethops.sla.targets import Promise, chosen
from tests.unit.sla import oracle
from tests.unit.sla.oracle import Clock, Office

HISTORIES = 10_000
DAYS = 50
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Dublin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/St_Johns", date(2010, 11, 7)),  # at one minute past midnight
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight itself is skipped
    ("America/Havana", date(2026, 11, 1)),  # midnight comes twice
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # by half an hour
    ("Antarctica/Troll", date(2026, 3, 29)),  # by two hours
    ("Africa/Casablanca", date(2026, 2, 15)),  # Ramadan
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Asia/Kathmandu", date(2026, 5, 5)),
    ("UTC", date(2026, 1, 1)),
]
WEEKS: list[tuple[tuple[tuple[int, int], ...], ...]] = [
    (((0, 1440),),) * 7,
    (((480, 1080),),) * 5 + ((), ()),
    (((480, 720), (780, 1020)),) * 5 + (((540, 720),), ()),
    (((0, 360), (1320, 1440)),) * 7,  # nights
    (((90, 210),),) * 7,  # where clocks change
    ((),) * 6 + (((0, 181),),),
]


WALKS = {
    "new": ("assigned", "escalated", "resolved"),
    "assigned": ("assigned", "pending", "escalated", "resolved"),
    "pending": ("assigned", "escalated", "resolved"),
    "escalated": ("assigned", "resolved"),
    "resolved": ("assigned", "closed"),
    "closed": (),
}
"""Which state of an incident may follow which."""


def offices() -> Iterator[tuple[Office, datetime]]:
    """Each clock change with each week, and holidays about it."""
    for zone, day in CHANGES:
        for n, week in enumerate(WEEKS):
            holidays = frozenset(
                {day - timedelta(days=2), day + timedelta(days=1)} if n % 2 else ()
            )
            begin = datetime.combine(day - timedelta(days=7), datetime.min.time(), UTC)
            yield Office(zone, week, holidays), begin


def calendar(office: Office) -> Calendar:
    """Return it as ours."""
    week = tuple(tuple((a * 60, b * 60) for a, b in hours) for hours in office.week)
    return Calendar(office.zone, week, office.holidays)  # type: ignore[arg-type]


def history(dice: random.Random, begin: int) -> list[tuple[str, int]]:
    """Walk an incident through its table, with pauses from none to days."""
    at = begin + dice.randrange(5 * 86_400)
    walked = [("new", at)]
    for _ in range(dice.randrange(9)):
        states = WALKS[walked[-1][0]]
        if not states:
            break
        at += dice.choice([0, 1, dice.randrange(60), dice.randrange(7_200), dice.randrange(90_000)])
        walked.append((dice.choice(states), at))
    return walked


@pytest.mark.parametrize("part", range(4))
def test_a_stopwatch_shows_what_a_patient_person_counts(part: int) -> None:
    dice = random.Random(part)  # noqa: S311 - repeatable, not secret
    wrong: list[str] = []
    places = list(offices())[part::4]
    each = HISTORIES // 4 // len(places) + 1
    for office, begin in places:
        clock = Clock(office, begin, DAYS)
        for _ in range(each):
            walked = history(dice, clock.zero)
            target = dice.choice([60, 61, 900, 3_601, 14_400, dice.randrange(1, 40_000)])
            for kind in KINDS:
                said = oracle.shown(clock, kind, walked, target)
                passages = [Passage(state, oracle.at(when)) for state, when in walked]
                ours = stopwatch.read(kind, passages, target, calendar(office))
                theirs = (
                    *(said.phase, said.used_s, oracle.at(said.since)),
                    *(oracle.at_or_never(said.due), oracle.at_or_never(said.warn)),
                )
                shown = ours and (ours.phase, ours.used_s, ours.since, ours.due_at, ours.warn_at)
                if shown != theirs:
                    wrong.append(f"{office} {walked} {kind} {target}: {shown}, counted {theirs}")
    assert not wrong, f"{len(wrong)}, the first: {wrong[0]}"


CLASSES = ("incident", "request")
SERVICES = ("", "gpu", "mail", "shop")
TABLES = 2_000


def test_the_promise_that_holds_is_the_most_particular_of_the_table() -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable, not secret
    named_ones = 0
    for _ in range(TABLES):
        keys = [(a, b, c, d) for a in CLASSES for b in ("P1", "P3") for c in SERVICES
                for d in (True, False)]  # fmt: skip
        rows = [
            (*key, dice.choice([None, 900, 3_600, dice.randrange(60, 9_000)]))
            for key in dice.sample(keys, dice.randrange(1, len(keys)))
        ]
        ticket = (dice.choice(CLASSES), dice.choice(("P1", "P3")))
        named = dice.choice(SERVICES)
        touched = frozenset(dice.sample(SERVICES[1:], dice.randrange(3)))
        ours = chosen(
            [Promise(*row[:4], tto_s=row[4], ttr_s=None, row=row) for row in rows],
            kind="tto", ticket_class=ticket[0], priority=ticket[1], named=named,
            services=touched | {named} - {""},
        )  # fmt: skip
        theirs = oracle.promised(rows, ticket, named, touched)
        assert (ours.row if ours else None) == theirs, (rows, ticket, named, touched)
        named_ones += bool(theirs and named and theirs[2] == named)
    assert named_ones > TABLES // 20
