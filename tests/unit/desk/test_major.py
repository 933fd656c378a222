"""When an incident is a major one, and when people are to be told of it again."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.site import DEFAULT_MAJOR, MajorCriterion
from adapters.tickets.majors import Major
from adapters.tickets.port import LogLine
from ethops.desk.major import fulfilled, next_update

AT = datetime(2026, 3, 2, 14, tzinfo=UTC)
MAJOR = Major("INC-1", "ada", "ada", AT, ("many",), 30, "", None)
WIDE = MajorCriterion(name="many CIs", priority="P2", breadth=5)
LIFELINE = MajorCriterion(name="a lifeline", lifeline=True)


@pytest.mark.parametrize(
    ("criterion", "priority", "breadth", "lifelines", "said"),
    [
        (WIDE, "P2", 5, (), ["many CIs (P2, 5 CIs)"]),
        (WIDE, "P1", 9, (), ["many CIs (P1, 9 CIs)"]),
        (WIDE, "P3", 9, (), []),
        (WIDE, "P1", 4, (), []),
        (LIFELINE, "P4", 1, ("PostgreSQL",), ["a lifeline (P4, lifeline PostgreSQL)"]),
        (LIFELINE, "P1", 99, (), []),
    ],
)
def test_a_criterion_holds_where_all_it_names_does(criterion, priority, breadth, lifelines, said):
    found = fulfilled([criterion], priority=priority, breadth=breadth, lifelines=lifelines)
    assert list(found) == said


def test_an_ordinary_incident_of_one_ci_is_no_major_one():
    assert not list(fulfilled(DEFAULT_MAJOR, priority="P1", breadth=1, lifelines=()))


def line(kind, minutes, visibility="public"):
    at = AT + timedelta(minutes=minutes)
    return LogLine("INC-1", 1, at, "x", kind, visibility, "x", None, tainted=False)


@pytest.mark.parametrize(
    ("lines", "minutes"),
    [
        ([], 30),
        ([line("person", 10)], 40),
        ([line("person", 10), line("person", 25)], 55),
        ([line("person", -5)], 30),
        ([line("person", 10, "private")], 30),
        ([line("agent", 10), line("rule", 12), line("executor", 14)], 30),
    ],
    ids=["nothing said", "an update", "two", "from before", "a private note", "no person"],
)
def test_an_update_is_a_public_line_of_a_person(lines, minutes):
    assert next_update(MAJOR, lines) == AT + timedelta(minutes=minutes)
