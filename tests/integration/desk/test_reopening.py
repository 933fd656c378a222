"""A repeat opens the incident again that was resolved a short while ago, counted and on record."""

from uuid import uuid4

import pytest
from django.db import connection

from adapters.tickets.states import SETTLED
from ethops.desk import dispatch, elsewhere
from ethops.executor import tickets
from tests.doubles.itop.house import housed
from tests.integration.desk import alerts
from tests.integration.desk.alerts import end, fire, lines, newest, numbers, resolve, ticket


@pytest.fixture(autouse=True)
def _database(clean_db):
    """Every test here commits."""


def settled_before(ref: str, seconds: int, role) -> None:
    """Move the end of a ticket into the past."""
    role("owner").execute(
        "UPDATE public.tickets_ticket SET resolved_at = resolved_at - %s * interval '1 second'"
        " WHERE ref = %s",
        [seconds, ref],
    )


def test_a_repeat_of_the_same_episode_opens_it_again():
    one = fire()
    ref = newest().ticket_ref
    resolve(ref)
    alerts.take_in(one)
    assert (ticket(ref).state, ticket(ref).reopens, newest().decision) == (
        *("assigned", 1, "reopened"),
    )


def test_a_new_episode_opens_it_again():
    end(fire())
    ref = alerts.opened()[0].ref
    resolve(ref)
    fire()
    assert [one.ref for one in alerts.opened()] == [ref]


def test_what_ended_by_itself_is_opened_again_for_those_who_respond():
    end(fire())
    ref = alerts.opened()[0].ref
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    fire()
    assert (ticket(ref).state, ticket(ref).team) == ("assigned", "responders")


def test_it_says_in_the_worklog_how_long_ago_it_was_resolved(role):
    fire()
    ref = newest().ticket_ref
    resolve(ref)
    settled_before(ref, 600, role)
    fire()
    assert any("It fires again, 10 min after it was resolved" in line for line in lines(ref))


def test_it_is_on_record_by_the_rule():
    fire()
    resolve(newest().ticket_ref)
    fire()
    found = alerts.sql(
        "SELECT body->>'author' FROM public.audit_pending"
        " WHERE kind = 'ticket.moved' AND body->>'stimulus' = 'ev_reopen'"
    )
    assert found == [("event management",)]


def test_after_the_window_it_is_another_incident(role):
    fire()
    ref = newest().ticket_ref
    resolve(ref)
    settled_before(ref, 15_301, role)
    fire()
    assert [one.ref for one in alerts.opened()] != [ref]


def test_within_the_longest_repeat_of_alertmanager_it_is_the_same(role):
    fire()
    ref = newest().ticket_ref
    resolve(ref)
    settled_before(ref, 4 * 3_600, role)
    fire()
    assert [one.ref for one in alerts.opened()] == [ref]


def test_what_is_closed_stays_closed(role):
    fire()
    ref = newest().ticket_ref
    resolve(ref)
    role("owner").execute("UPDATE public.tickets_ticket SET state = 'closed'")
    fire()
    assert [one.ref for one in alerts.opened()] != [ref]


def test_without_a_window_each_episode_is_an_incident():
    numbers(reopen_s=0)
    end(fire())
    resolve(newest().ticket_ref)
    fire()
    assert len(alerts.sql("SELECT ref FROM public.tickets_ticket")) == 2


def test_another_cause_does_not_open_it():
    fire("Down")
    ref = newest().ticket_ref
    resolve(ref)
    fire("DiskFull")
    assert ticket(ref).state == "resolved"


def test_a_delivery_that_is_read_twice_opens_it_once():
    one = fire()
    ref = newest().ticket_ref
    resolve(ref)
    for _ in range(3):
        alerts.take_in(one)
    assert ticket(ref).reopens == 1


def test_the_dispatcher_looks_at_it():
    fire()
    resolve(newest().ticket_ref)
    fire()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_work WHERE payload->>'why' = 'reopened'")
        assert cursor.fetchone() == (1,)


def test_a_person_who_opens_it_again_once_it_had_ended_is_not_overruled_by_that():
    end(fire())
    ref = alerts.opened()[0].ref
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert ticket(ref).state == "resolved"
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus="ev_reopen", fields={}, vouched=alerts.OPERATOR
    )
    dispatch.consider({"ticket": ref, "why": "ada: ev_reopen"})
    assert ticket(ref).state != "resolved"


def test_what_a_rule_opened_again_is_settled_by_its_end():
    end(fire())
    ref = alerts.opened()[0].ref
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    end(fire())
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert (ticket(ref).state, ticket(ref).reopens) == ("resolved", 1)


def test_an_end_that_came_while_it_was_resolved_does_not_overrule_a_reopening():
    one = fire()
    ref = newest().ticket_ref
    resolve(ref)
    end(one)
    assert newest().ticket_ref == ""
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus="ev_reopen", fields={}, vouched=alerts.OPERATOR
    )
    dispatch.consider({"ticket": ref, "why": "ada: ev_reopen"})
    assert ticket(ref).state not in SETTLED


def test_an_end_that_came_after_a_persons_reopening_settles_it():
    one = fire()
    ref = newest().ticket_ref
    resolve(ref)
    tickets.move_by_person(
        key=uuid4(), ref=ref, person="ada", stimulus="ev_reopen", fields={}, vouched=alerts.OPERATOR
    )
    end(one)
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert ticket(ref).state == "resolved"


@pytest.mark.parametrize("state", ["assigned", "pending"])
def test_where_itop_is_the_desk_its_reopening_stands_too(settings, state):
    with housed() as house:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": house.settings()}
        one = fire()
        ref = newest().ticket_ref
        there = house.object("Incident")
        there.update(status="resolved", last_update="2026-01-02 00:00:00")
        elsewhere.follow()
        assert ticket(ref).state == "resolved"
        end(one)
        for number, status in enumerate((state, "assigned")):
            there.update(status=status, last_update=f"2026-01-03 00:00:0{number}")
            elsewhere.follow()
        dispatch.consider({"ticket": ref, "why": "changed in iTop"})
        assert (ticket(ref).state in SETTLED, ticket(ref).reopens) == (False, 1)


@pytest.mark.parametrize("step", ["settle", "escalate"])
def test_who_takes_it_while_a_rule_looks_at_it_keeps_it(step, monkeypatch, role):
    end(fire())
    ref = alerts.opened()[0].ref

    def decide(at):
        # Between the look and the move.
        role("owner").execute(
            "UPDATE public.tickets_ticket SET assignee = 'ada' WHERE ref = %s", [ref]
        )
        return step

    monkeypatch.setattr(dispatch, "next_step", decide)
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert (ticket(ref).assignee, ticket(ref).state) == ("ada", "new")
