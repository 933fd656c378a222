"""Maintenance windows and the numbers of event management, at the desk and over the API."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from ethops.desk.models import EventPolicy, MaintenanceWindow
from tests.integration.api.conftest import api_of


def said(**more):
    now = datetime.now(UTC)
    return {
        "begins_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        "why": "New disks.",
        **more,
    }


def put(api, **more):
    return api.post("/api/v1/maintenance", said(**more), format="json")


def form(**more):
    now = datetime.now(UTC)
    ends = now + timedelta(hours=1)
    return {
        "begins_at_0": f"{now:%Y-%m-%d}",
        "begins_at_1": f"{now:%H:%M:%S}",
        "ends_at_0": f"{ends:%Y-%m-%d}",
        "ends_at_1": f"{ends:%H:%M:%S}",
        "cis": "",
        "group": "",
        "why": "New disks.",
        **more,
    }


def recorded(kind):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body->>'person' FROM audit_pending WHERE kind = %s", [kind])
        return [person for (person,) in cursor.fetchall()]


def test_a_window_is_declared_in_the_name_of_who_asks(api):
    answer = put(api, group={"rack": "r1"})
    assert (answer.status_code, answer.json()["declared_by"], answer.json()["held"]) == (
        *(201, "ada", 0),
    )
    assert recorded("person.maintenance") == ["ada"]


def test_who_may_not_declares_none(bo):
    assert put(api_of(bo), everything=True).status_code == 403
    assert not MaintenanceWindow.objects.exists()


def test_everything_wrong_is_said_by_field(api):
    ended = datetime.now(UTC).isoformat()
    answer = put(api, everything=True, cis=["nothing"], ends_at=ended, why="x")
    assert (answer.status_code, answer.json()["code"]) == (422, "desk.window_refused")
    assert set(answer.json()["errors"]) == {"scope", "cis", "ends_at"}


@pytest.mark.parametrize(
    "bad",
    [
        {"begins_at": "tomorrow"},
        {"ends_at": None},
        {"cis": "web"},
        {"group": {"rack": {"$ne": 1}}},
        {"why": ""},
        {"cis": ["x"] * 201},
        {"begins_at": "9999-12-31T23:59:59Z"},
    ],
)
def test_bad_input_is_a_fault_of_the_request(api, bad):
    assert put(api, **bad).status_code in {400, 422}
    assert not MaintenanceWindow.objects.exists()


def test_a_window_is_ended_early(api):
    number = put(api, everything=True).json()["id"]
    answer = api.post(f"/api/v1/maintenance/{number}/end", {"why": "Done."}, format="json")
    assert (answer.status_code, answer.json()["ended_by"]) == (200, "ada")
    assert recorded("person.maintenance") == ["ada", "ada"]


def test_who_may_not_ends_none(api, bo):
    number = put(api, everything=True).json()["id"]
    answer = api_of(bo).post(f"/api/v1/maintenance/{number}/end", {}, format="json")
    assert answer.status_code == 403


def test_one_that_is_not_there_is_not_found(api):
    assert api.post("/api/v1/maintenance/7/end", {}, format="json").status_code == 404


def test_windows_are_listed_by_what_is_still_to_be_closed(api):
    put(api, everything=True)
    assert api.get("/api/v1/maintenance?open=true").json()["count"] == 1
    assert api.get("/api/v1/maintenance?open=false").json()["count"] == 0


def test_at_the_desk_a_window_is_declared_on_record(desk):
    answer = desk.post("/desk/maintenancewindow/add/", form(group="rack=r1\n\nrow = 2"))
    assert answer.status_code == 302
    window = MaintenanceWindow.objects.get()
    assert (window.group, window.declared_by) == ({"rack": "r1", "row": "2"}, "ada")
    assert recorded("person.maintenance") == ["ada"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "one of the three"),
        ({"cis": "nothing"}, "No CI nothing."),
        ({"group": "rack"}, "Write label=value"),
        ({"everything": "on", "why": " "}, "required"),
        ({"everything": "on", "ends_at_0": "2020-01-01"}, "over after it begins"),
    ],
)
def test_the_form_says_what_is_wrong(desk, wrong, words):
    answer = desk.post("/desk/maintenancewindow/add/", form(**wrong))
    assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert not MaintenanceWindow.objects.exists()


def test_at_the_desk_nobody_changes_a_window(desk):
    desk.post("/desk/maintenancewindow/add/", form(everything="on"))
    number = MaintenanceWindow.objects.get().pk
    desk.post(f"/desk/maintenancewindow/{number}/change/", form(everything="on", why="Other."))
    desk.post(f"/desk/maintenancewindow/{number}/delete/", {"post": "yes"})
    assert MaintenanceWindow.objects.get().why == "New disks."


def test_at_the_desk_windows_are_ended(desk):
    desk.post("/desk/maintenancewindow/add/", form(everything="on"))
    number = MaintenanceWindow.objects.get().pk
    chosen = {"action": "end_now", "_selected_action": [number]}
    desk.post("/desk/maintenancewindow/", chosen)
    assert MaintenanceWindow.objects.get().ended_by == "ada"


NUMBERS = {
    "reopen_s": 600, "relate_s": 60, "storm_causes": 5, "settle_s": 30,
    "flap_changes": 4, "flap_window_s": 600, "flap_calm_s": 300,
}  # fmt: skip


def test_the_numbers_are_changed_on_record(desk):
    assert desk.post("/desk/eventpolicy/1/change/", NUMBERS).status_code == 302
    assert EventPolicy.objects.get().storm_causes == 5
    assert recorded("person.set_events") == ["ada"]


def test_a_number_without_reason_is_refused(desk):
    answer = desk.post("/desk/eventpolicy/1/change/", {**NUMBERS, "storm_causes": 0})
    assert (answer.status_code, EventPolicy.objects.get().storm_causes) == (200, 8)
