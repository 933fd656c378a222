"""Sessions end, failed logins are counted and on record, roles are given on record."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from ethops.desk.people import vouched
from ethops.logins import people, refusals
from tests.doubles.knocks import one_slot as _one_slot

PASSWORD = "correct horse battery"
one_slot = _one_slot


@pytest.fixture
def bo(roles_loaded: list[str]) -> User:
    """An operator with a password."""
    user = User.objects.create_user("bo", password=PASSWORD)
    people.give(user, ["operator"], by="ada")
    return User.objects.get(username="bo")


def login(client: Client, password: str = PASSWORD, name: str = "bo") -> int:
    return client.post("/login/", {"username": name, "password": password}).status_code


def told(kind: str) -> list[tuple[str, dict[str, object]]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject, body FROM audit_pending WHERE kind = %s ORDER BY n", [kind])
        return [(subject, json.loads(body)) for subject, body in cursor.fetchall()]


def test_a_session_planted_before_the_login_is_not_the_one_after_it(
    client: Client, bo: User
) -> None:
    planted = client.session
    planted["before"] = 1
    planted.save()
    login(client)
    assert client.session.session_key not in {None, planted.session_key}


def test_who_was_away_too_long_logs_in_again(client: Client, bo: User) -> None:
    login(client)
    with time_machine.travel(timezone.now() + timedelta(hours=8, minutes=2)):
        assert client.get("/everything/").status_code == 302


def test_who_works_stays(client: Client, bo: User) -> None:
    start = timezone.now()
    login(client)
    with time_machine.travel(start + timedelta(hours=6)):
        client.get("/everything/")
    with time_machine.travel(start + timedelta(hours=11)):
        assert client.get("/everything/").status_code == 200


def test_a_page_that_refreshes_itself_is_no_sign_of_life(client: Client, bo: User) -> None:
    start = timezone.now()
    login(client)
    with time_machine.travel(start + timedelta(hours=6)):
        client.get("/agents/live/")
    with time_machine.travel(start + timedelta(hours=9)):
        assert client.get("/everything/").status_code == 302


def test_after_twelve_hours_everybody_logs_in_again(client: Client, bo: User) -> None:
    start = timezone.now()
    login(client)
    with time_machine.travel(start + timedelta(hours=7)):
        client.get("/everything/")
    with time_machine.travel(start + timedelta(hours=12, minutes=2)):
        assert client.get("/everything/").status_code == 302


def test_a_failed_login_is_on_record(client: Client, bo: User) -> None:
    login(client, "wrong")
    ((subject, body),) = told("person.login_refused")
    assert (subject, body["code"], body["where"]) == ("bo", "logins.failed", "/login/")


def test_a_password_is_on_no_record(client: Client, bo: User) -> None:
    login(client, "a-wrong-password")
    assert "a-wrong-password" not in str(told("person.login_refused"))


@pytest.mark.usefixtures("one_slot")
def test_after_too_many_tries_the_right_password_is_refused_too(client: Client, bo: User) -> None:
    for _ in range(refusals.PAIR.most):
        login(client, "wrong")
    answer = client.post("/login/", {"username": "bo", "password": PASSWORD})
    assert (answer.status_code, "Too many tries" in answer.content.decode()) == (200, True)


@pytest.mark.usefixtures("one_slot")
def test_too_many_tries_are_on_record(client: Client, bo: User) -> None:
    for _ in range(refusals.PAIR.most + 1):
        login(client, "wrong")
    assert told("person.login_refused")[-1][1]["code"] == "logins.too_often"


def test_another_address_is_not_kept_out(client: Client, bo: User) -> None:
    for _ in range(refusals.PAIR.most + 1):
        login(client, "wrong")
    assert login(Client(REMOTE_ADDR="192.0.2.7")) == 302


@pytest.mark.usefixtures("one_slot")
def test_the_record_is_not_flooded(client: Client, bo: User) -> None:
    for n in range(refusals.TOLD.most + 5):
        login(client, "wrong", f"bo{n}")
    assert len(told("person.login_refused")) == refusals.TOLD.most


def test_an_auditors_token_changes_nothing(bo: User) -> None:
    people.give(bo, ["auditor"], by="ada")
    key = Token.objects.create(user=bo).key
    answer = Client().post(
        "/api/v1/stop", {}, "application/json", HTTP_AUTHORIZATION=f"Token {key}"
    )
    assert answer.status_code == 403


def test_the_desk_vouches_for_an_auditor_as_nobody(bo: User) -> None:
    people.give(bo, ["auditor"], by="ada")
    assert vouched("bo").roles == frozenset()


def test_a_refused_act_of_an_auditor_is_on_record(client: Client, bo: User) -> None:
    people.give(bo, ["auditor"], by="ada")
    client.force_login(bo)
    client.post("/stop/")
    assert [body["code"] for _, body in told("person.login_refused")] == ["logins.only_looks"]


def test_roles_are_given_on_record(bo: User) -> None:
    people.give(bo, ["approver"], by="ada")
    assert told("person.roles")[-1] == (
        "bo",
        {
            "by": "ada",
            "before": ["operator"],
            "roles": ["approver"],
            "noted_by": "ethops_app",
        },
    )


def test_a_role_taken_away_takes_the_place_at_the_desk(bo: User) -> None:
    people.give(bo, [], by="ada")
    assert not User.objects.get(username="bo").is_staff


def test_groups_that_are_no_roles_stay(bo: User) -> None:
    bo.groups.add(Group.objects.create(name="leads"))
    people.give(bo, ["requester"], by="ada")
    assert set(bo.groups.values_list("name", flat=True)) == {"leads", "requester"}


def test_a_right_added_by_hand_is_taken_away_at_the_next_load(bo: User) -> None:
    right = Permission.objects.get(codename="change_user")
    Group.objects.get(name="auditor").permissions.add(right)
    people.load()
    assert not Group.objects.get(name="auditor").permissions.filter(pk=right.pk).exists()


def test_an_unknown_role_is_refused(bo: User) -> None:
    with pytest.raises(CommandError, match="There is no role called king"):
        call_command("roles", "bo", "king", by="ada")
