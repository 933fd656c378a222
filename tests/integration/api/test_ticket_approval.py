"""Who approves a ticket as an approver of the desk gives the code of his second factor."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from adapters.tickets.models import Ticket
from tests.integration.api.conftest import api_of
from tests.integration.api.test_ticket_doors import opened


@pytest.fixture
def abe():
    made = User.objects.create_user("abe", is_staff=True)
    made.user_permissions.add(Permission.objects.get(codename="approve"))
    made.groups.add(Group.objects.create(name="leads"))
    return made


@pytest.fixture
def planned():
    """`planned("normal")` is a change that waits for an approver."""

    def of(kind):
        ref = opened("change", kind)
        Ticket.objects.filter(ref=ref).update(state="planned")
        return ref

    return of


@pytest.fixture
def abe_says(abe):
    """`abe_says(ref, code=...)` approves over the API."""
    api = api_of(abe)

    def say(ref, stimulus="ev_approve", **more):
        return api.post(f"/api/v1/tickets/{ref}/move", {"stimulus": stimulus, **more}, "json")

    return say


@pytest.fixture
def desk_of_abe(abe):
    client = Client(raise_request_exception=False)
    client.force_login(abe)
    return client


def noted(kind):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit_pending WHERE kind = %s ORDER BY n", [kind])
        return [json.loads(body) for (body,) in cursor.fetchall()]


def failures():
    with connection.cursor() as cursor:
        cursor.execute("SELECT failures FROM approvals_factor WHERE person = 'abe'")
        return cursor.fetchone()[0]


def state(ref):
    return Ticket.objects.get(ref=ref).state


def other(code):
    return {"code": f"{(int(code['code']) + 1) % 10**6:06d}"}


@pytest.mark.parametrize("kind", ["normal", "emergency"])
def test_a_change_is_approved_with_a_code_on_record(enrolled, abe_says, planned, kind):
    code = enrolled("abe")
    answer = abe_says(planned(kind), **code())
    assert answer.json()["state"] == "approved"
    assert noted("ticket.moved")[-1]["factor"] == "totp"


@pytest.mark.parametrize("said", [{}, {"code": ""}])
def test_without_a_code_nothing_is_approved_and_nothing_counted(enrolled, abe_says, planned, said):
    enrolled("abe")
    ref = planned("normal")
    answer = abe_says(ref, **said)
    assert (answer.status_code, answer.json()["code"]) == (403, "approvals.wrong_code")
    assert (state(ref), failures(), noted("person.refused")) == ("planned", 0, [])


def test_a_wrong_code_is_counted_and_on_record(enrolled, abe_says, planned):
    code = enrolled("abe")
    ref = planned("emergency")
    answer = abe_says(ref, **other(code()))
    assert (answer.status_code, state(ref), failures()) == (403, "planned", 1)
    said = noted("person.refused")[-1]
    assert (said["person"], said["code"]) == ("abe", "approvals.wrong_code")


def test_a_code_counts_once(enrolled, abe_says, planned):
    code = enrolled("abe")()
    first, second = planned("normal"), planned("normal")
    abe_says(first, **code)
    assert "used before" in abe_says(second, **code).json()["detail"]
    assert (state(first), state(second)) == ("approved", "planned")


def test_tries_are_bounded(enrolled, abe_says, planned):
    code = enrolled("abe")
    ref = planned("normal")
    for _ in range(3):
        abe_says(ref, **other(code()))
    answer = abe_says(ref, **code())
    assert (answer.status_code, answer.json()["code"]) == (429, "approvals.locked")
    assert state(ref) == "planned"


def test_who_has_no_factor_is_told_where_to_enrol(abe_says, planned):
    answer = abe_says(planned("normal"), code="123456")
    assert (answer.status_code, answer.json()["code"]) == (403, "approvals.no_factor")
    assert "manage.py factor enrol" in answer.json()["hint"]


def test_a_repeat_asks_for_no_second_code(enrolled, abe_says, planned):
    code, key = enrolled("abe")(), str(uuid4())
    ref = planned("normal")
    answers = [abe_says(ref, key=key, **code) for _ in range(2)]
    assert [answer.json().get("state") for answer in answers] == ["approved", "approved"]


def test_a_code_is_kept_where_the_move_is_refused_for_something_else(enrolled, abe_says, planned):
    code = enrolled("abe")()
    ref = planned("normal")
    assert abe_says(ref, decision="x" * 3000, **code).status_code == 422
    assert abe_says(ref, **code).json()["state"] == "approved"


def test_to_refuse_needs_no_code(abe_says, planned):
    ref = planned("normal")
    assert abe_says(ref, "ev_notapprove", decision="No.").json()["state"] == "notapproved"


def test_a_request_asks_the_desks_approver_too(abe_says, catalogue):
    assert abe_says(opened("request", "with_approver")).json()["code"] == "approvals.no_factor"


def test_who_approves_by_his_group_alone_needs_none(catalogue, abe):
    lea = User.objects.create_user("lea")
    lea.groups.add(Group.objects.get(name="leads"))
    ref = opened("request", "with_approver")
    client = Client()
    client.force_login(lea)
    client.post(f"/portal/tickets/{ref}/", {"act": "ev_approve", "key": str(uuid4())})
    assert state(ref) == "approved"


def test_nobody_uses_up_an_approvers_tries_where_he_approves_nothing(
    enrolled, desk_of_abe, planned
):
    """At the portal a change is nobody's to approve, whoever has come in as him."""
    code = enrolled("abe")
    ref = planned("normal")
    Ticket.objects.filter(ref=ref).update(requester="abe")
    form = {"act": "ev_approve", "key": str(uuid4()), **other(code())}
    desk_of_abe.post(f"/portal/tickets/{ref}/", form)
    assert (state(ref), failures()) == ("planned", 0)


@pytest.mark.parametrize(
    ("door", "kind", "waits"),
    [
        ("/tickets/{}/", "change", {"act": "move", "stimulus": "ev_approve"}),
        ("/portal/tickets/{}/", "request", {"act": "ev_approve"}),
    ],
    ids=["desk", "portal"],
)
def test_a_page_says_beside_the_field_what_is_wrong(
    enrolled, catalogue, desk_of_abe, planned, door, kind, waits
):
    code = enrolled("abe")
    ref = planned("normal") if kind == "change" else opened("request", "with_approver")
    at, wrong = door.format(ref), other(code())
    answer = desk_of_abe.post(at, {**waits, "key": str(uuid4()), "decision": "So.", **wrong})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="ev_approvecode-wrong"' in text
    assert "The code is not right" in text
    assert (wrong["code"] in text, "So." in text) == (False, True)
    desk_of_abe.post(at, {**waits, "key": str(uuid4()), **code()})
    assert state(ref) == "approved"


def test_a_page_tells_who_has_no_factor_where_to_enrol(desk_of_abe, planned):
    text = desk_of_abe.get(f"/tickets/{planned('emergency')}/").content.decode()
    assert "manage.py factor enrol abe" in text


def test_the_door_takes_no_unconfirmed_factor(role, abe_says, planned):
    role("owner").execute("SELECT gate.enrol_factor('abe', 'root')")
    assert abe_says(planned("normal"), code="123456").json()["code"] == "approvals.no_factor"


@pytest.mark.parametrize("name", ["agent", "executor", "gpu"])
def test_no_other_role_comes_to_the_door(role, name):
    link = role(name)
    with pytest.raises(Exception, match="permission denied"):
        link.execute("SELECT * FROM gate.take_ticket_code('abe', 'C-1', '123456')")
