"""A window holds alerts back, says so, and what still stands at its end becomes an incident."""

from datetime import timedelta

import pytest

from adapters.rows import now as clock
from ethops.desk import becoming, maintenance
from ethops.desk.errors import WindowRefusedError
from ethops.desk.models import Event, MaintenanceWindow
from tests.integration.desk import alerts
from tests.integration.desk.alerts import end, fire, newest

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _database(clean_db):
    """Every test here commits."""


@pytest.fixture
def owner(role):
    """The owner's connection."""
    return role("owner")


def declare(**said) -> MaintenanceWindow:
    """Declare a window that has begun."""
    now = clock()
    about = {"begins_at": now, "ends_at": now + HOUR, "why": "New disks.", "person": "ada", **said}
    return maintenance.declare(**about)


def over(owner) -> None:
    """Let the windows end: they were an hour earlier."""
    owner.execute(
        "UPDATE public.desk_maintenancewindow SET begins_at = begins_at - interval '2 hours',"
        " ends_at = ends_at - interval '2 hours'"
    )


def test_an_alert_in_a_window_is_kept_and_held_back():
    window = declare(everything=True)
    fire()
    event = newest()
    assert (event.decision, event.ticket_ref, event.window_id) == ("suppressed", "", window.pk)
    assert alerts.opened() == []


def test_the_event_says_which_window_whose_and_why():
    declare(everything=True)
    fire()
    assert "by ada: New disks." in newest().reason


def test_a_window_of_a_ci_holds_back_what_depends_on_it(owner):
    alerts.site(owner, ("node-1", "server", {}), ("web", "service", {"runs_on": "node-1"}))
    declare(cis=["node-1"])
    fire(ci="web")
    assert newest().decision == "suppressed"


def test_a_window_of_a_ci_does_not_hold_back_what_it_depends_on(owner):
    alerts.site(owner, ("node-1", "server", {}), ("web", "service", {"runs_on": "node-1"}))
    declare(cis=["web"])
    fire(ci="node-1")
    assert newest().decision == "opened"


@pytest.mark.parametrize(
    ("labels", "decision"),
    [({"rack": "r2", "row": "1"}, "suppressed"), ({"rack": "r2"}, "opened"), ({}, "opened")],
)
def test_a_window_of_a_group_needs_all_of_its_labels(labels, decision):
    declare(group={"rack": "r2", "row": "1"})
    fire(**labels)
    assert newest().decision == decision


def test_what_still_stands_at_the_end_becomes_an_incident(owner):
    window = declare(everything=True)
    fire()
    over(owner)
    becoming.close_windows()
    event = newest()
    assert (event.decision, event.window_id) == ("opened", window.pk)
    assert [one.ref for one in alerts.opened()] == [event.ticket_ref]


def test_what_has_ended_by_then_does_not(owner):
    declare(everything=True)
    end(fire())
    over(owner)
    becoming.close_windows()
    assert alerts.opened() == []


def test_a_window_is_closed_once(owner):
    declare(everything=True)
    fire()
    over(owner)
    assert (becoming.close_windows(), becoming.close_windows()) == (1, 0)


def test_ended_early_it_lets_what_stands_through():
    window = declare(everything=True)
    fire()
    maintenance.end(window_id=window.pk, person="bo")
    becoming.close_windows()
    assert len(alerts.opened()) == 1


def test_another_window_holds_back_what_the_first_lets_go(owner):
    first = declare(everything=True, ends_at=clock() + HOUR)
    fire()
    # It would have been held by the one that lasts longest; this one was declared later.
    declare(group={"alertname": "Down"}, ends_at=clock() + 2 * HOUR)
    maintenance.end(window_id=first.pk, person="bo")
    becoming.close_windows()
    assert (newest().decision, alerts.opened()) == ("suppressed", [])


def test_a_repeat_after_the_end_opens_it_at_once(owner):
    declare(everything=True)
    one = fire()
    over(owner)
    alerts.take_in(one)
    assert newest().decision == "opened"


def test_what_is_open_already_takes_its_repeats_in():
    fire(pod="a")
    declare(everything=True)
    fire(pod="b")
    assert newest().decision == "folded"


def test_nothing_is_opened_again_within_a_window():
    fire()
    alerts.resolve(newest().ticket_ref)
    declare(everything=True)
    fire()
    assert (newest().decision, alerts.opened()) == ("suppressed", [])


def test_declaring_and_ending_are_on_record():
    window = declare(everything=True)
    maintenance.end(window_id=window.pk, person="bo", why="Done early.")
    found = alerts.sql(
        "SELECT body->>'person', body->>'what', body->>'why' FROM public.audit_pending"
        " WHERE kind = 'person.maintenance' ORDER BY 2"
    )
    assert found == [("ada", "declared", "New disks."), ("bo", "ended", "Done early.")]


def test_what_is_over_cannot_be_ended(owner):
    window = declare(everything=True)
    over(owner)
    assert not maintenance.end(window_id=window.pk, person="bo")


def test_everything_that_is_wrong_is_said_at_once():
    now = clock()
    with pytest.raises(WindowRefusedError) as refused:
        declare(begins_at=now - 2 * HOUR, ends_at=now - 3 * HOUR, why=" ", cis=["nothing"])
    assert set(refused.value.errors) == {"begins_at", "ends_at", "why", "cis"}


def test_the_desk_s_role_cannot_change_what_was_declared(role):
    declare(everything=True)
    found = role("owner").execute(
        "SELECT has_column_privilege('ethops_app', table_name::text, column_name, 'UPDATE'),"
        " column_name FROM information_schema.columns WHERE table_name = 'desk_maintenancewindow'"
    )
    assert {name for may, name in found if may} == {"ends_at", "ended_by", "closed_at"}


def test_a_resolve_in_a_window_is_an_end_like_any_other():
    declare(everything=True)
    one = fire()
    end(one)
    assert [e.decision for e in Event.objects.order_by("at")] == ["suppressed", "ended"]
