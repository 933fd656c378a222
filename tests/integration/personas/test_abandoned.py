"""Permits whose deadline is over are given to a person, once, and it is on record."""

import json

import pytest
from django.db import connections

from ethops.desk import reconciler


@pytest.fixture
def overdue(world):
    """A permit that is in doubt and past its deadline; returns its id."""
    found = world.authorised()
    world.record()
    world.claim()
    owner = world.as_role("owner")
    owner.execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE kind = 'effect'"
    )
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    owner.execute("UPDATE personas_action SET deadline = now() - interval '1 s'")
    yield found["action_id"]
    connections.close_all()


def recorded(world):
    world.record()
    rows = world.as_role("app").execute(
        "SELECT body FROM audit_entry WHERE kind = 'action.abandoned'"
    )
    return [json.loads(row["body"]) for row in rows]


def test_it_is_on_record(world, overdue):
    reconciler.reconcile_once()
    (entry,) = recorded(world)
    assert (entry["subject"], entry["body"]["state"]) == (str(overdue), "in_doubt")


def test_a_person_is_given_it_once(world, overdue):
    reconciler.reconcile_once()
    reconciler.reconcile_once()
    opened = world.value(
        "app", "SELECT count(*) FROM tickets_ticket WHERE title LIKE 'Nobody has said%%'"
    )
    assert (opened, len(recorded(world))) == (1, 1)


def test_its_outcome_may_still_come(world, overdue):
    reconciler.reconcile_once()
    said = world.value("app", "SELECT gate.person_settles(%s, 'ada', 'done', 'it runs')", overdue)
    assert said == "settled"


def test_what_is_within_its_time_is_left_alone(world):
    world.authorised()
    world.record()
    world.claim()
    reconciler.reconcile_once()
    assert recorded(world) == []


def test_who_still_acts_is_left_alone(world):
    world.authorised()
    world.record()
    world.claim()
    world.as_role("owner").execute("UPDATE personas_action SET deadline = now()")
    reconciler.reconcile_once()
    assert recorded(world) == []


def test_a_notice_that_waits_under_the_stop_is_left_alone(world):
    world.value("app", "SELECT gate.order_notice('r', 'k', '', %s)",
                '{"title": "t", "text": "x", "kind": "http", "target": "http://x"}')  # fmt: skip
    world.record()
    world.value("app", "SELECT gate.press_stop('ada', 'x')")
    world.as_role("owner").execute("UPDATE personas_action SET deadline = now()")
    reconciler.reconcile_once()
    assert recorded(world) == []
