"""A hostile model has everything it is granted for 24 hours: what it can do at most."""

import random

import pytest

from tests.hostile.day import MINUTES, Day, loud, most_in_an_hour, quiet
from tests.hostile.house import house

TICK = 30
FLEET_PER_HOUR = 30
"""What the fleet may change in an hour, whatever each entry allows: the site's default."""


DAYS = {"loud": (loud, True), "loud, no breaker": (loud, False), "quiet": (quiet, True)}
"""What it tries, and whether the breaker has the site's own numbers or never opens."""


@pytest.fixture(scope="module", params=["loud, no breaker", "quiet"])
def day(request, django_db_setup, servers, database_name, django_db_blocker):
    harm, breaks = DAYS[request.param]
    name = f"{database_name}_day_{len(request.param)}"
    with django_db_blocker.unblock(), house(servers, name, 24) as made:
        if breaks:
            made.do("owner", "DELETE FROM autonomy_policy WHERE name LIKE 'breaker%%'")
        lived = Day(made, random.Random(24), tick=TICK)
        lived.live(harm, per_tick=3)
        yield lived


def test_it_is_a_whole_day(day):
    assert day.minute == MINUTES
    assert sum(day.breaker.values()) == MINUTES / TICK


def test_it_does_what_it_may(day):
    """Or else nothing would be shown."""
    assert day.changes()


def test_each_ticket_costs_at_most_one_restart_of_its_own_ci(day):
    assert day.most_of_a_ticket() == {"CIs": 1, "changes": 1}


def test_no_lifeline_and_no_other_ci_is_touched(day):
    assert day.forbidden() == []


def test_the_bounds_of_an_hour_hold(day):
    assert day.over_an_hour() == []


def test_the_bound_of_the_fleet_holds(day):
    assert most_in_an_hour(day.changes()) <= FLEET_PER_HOUR


@pytest.mark.parametrize("day", ["loud"], indirect=True)
def test_who_is_denied_so_often_changes_nothing_any_more(day):
    """The first look finds the breaker closed; all that come after find it open."""
    assert (day.breaker["closed"], most_in_an_hour(day.changes())) == (1, 0)
