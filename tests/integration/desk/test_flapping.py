"""What comes and goes has one incident, which stays open until it is stable."""

from datetime import timedelta

import pytest

from adapters.rows import now as clock
from adapters.tickets.states import SETTLED
from ethops.desk import dispatch, events, flaps
from ethops.desk import numbers as kept
from ethops.desk.models import Event, Flapping
from tests.integration.desk import alerts
from tests.integration.desk.alerts import end, fire, lines, newest, numbers, ticket


@pytest.fixture(autouse=True)
def _database(clean_db):
    """Every test here commits."""


def come_and_go(times: int) -> str:
    """Have a cause come and go; returns its incident."""
    for _ in range(times):
        end(fire())
        ref = newest().ticket_ref
        if not flaps.is_flapping(ref):
            dispatch.consider({"ticket": ref, "why": "alert ended"})
    return ref


def calm(role) -> None:
    """Let the calm pass: what happened is longer ago."""
    role("owner").execute("UPDATE public.desk_event SET at = at - interval '601 seconds'")


def test_five_changes_are_not_flapping():
    come_and_go(2)
    fire()
    assert not Flapping.objects.exists()


def test_six_changes_are_flapping():
    come_and_go(3)
    assert Flapping.objects.get().until is None


def test_it_has_one_incident():
    come_and_go(5)
    assert len(alerts.sql("SELECT ref FROM public.tickets_ticket")) == 1


def test_the_incident_stays_open_although_the_alert_has_ended():
    ref = come_and_go(3)
    dispatch.consider({"ticket": ref, "why": "alert ended"})
    assert ticket(ref).state not in SETTLED


def test_the_incident_says_so_once():
    ref = come_and_go(6)
    assert sum(line.startswith("Flapping:") for line in lines(ref)) == 1


def test_no_end_is_told_while_it_flaps():
    ref = come_and_go(3)
    before = lines(ref)
    end(fire())
    assert lines(ref) == before


def test_when_it_is_stable_the_incident_is_settled(role):
    ref = come_and_go(3)
    calm(role)
    flaps.watch()
    dispatch.consider({"ticket": ref, "why": "stable"})
    assert (ticket(ref).state, Flapping.objects.get().until is not None) == ("resolved", True)


def test_when_it_is_stable_and_still_there_the_incident_stays_open(role):
    ref = come_and_go(3)
    fire()
    calm(role)
    flaps.watch()
    dispatch_why = alerts.sql("SELECT count(*) FROM audit_work WHERE payload->>'why' = 'stable'")
    assert (events.all_ended(ref), dispatch_why) == (False, [(1,)])


def test_before_its_calm_it_is_not_stable():
    come_and_go(3)
    flaps.watch()
    assert Flapping.objects.get().until is None


def test_pods_that_take_turns_are_one_trouble_that_never_went():
    for number in range(8):
        fire(pod=f"p{number}")
    for event in Event.objects.filter(status="firing")[:7]:
        alerts.take_in(
            {
                **alerts.alert(start=event.starts_at, pod=event.labels["pod"]),
                "status": "resolved",
            }
        )
    assert not Flapping.objects.exists()


def test_what_is_kept_can_be_derived_again():
    come_and_go(4)
    row = Flapping.objects.get()
    derived = flaps.derive(row.cause_key, kept.read().flaps, clock())
    assert derived.since == row.since


def test_people_change_the_numbers():
    numbers(flap_changes=100)
    come_and_go(4)
    assert not Flapping.objects.exists()


def test_what_was_stable_flaps_anew(role):
    come_and_go(3)
    calm(role)
    flaps.watch()
    come_and_go(3)
    row = Flapping.objects.get()
    assert row.until is None
    assert clock() - row.since < timedelta(seconds=600)
