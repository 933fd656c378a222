"""Separation of duties by page, by API and in the admin: the same matrix, the same oracle."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, RequestFactory
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from ethops.pages.site import desk as the_admin
from tests.conftest import point_django
from tests.hostile.desk import Desk
from tests.hostile.duties import CLASSES, MOVES, PEOPLE, Person, must
from tests.hostile.house import house

OURS = ("personas", "approvals", "autonomy", "agentops", "memory", "guardrails", "audit")
"""Rooms whose rows the gate alone writes."""


class ByPage(Desk):
    """Decides with the buttons of the page, logged in under the name that was given."""

    def approve(self, row: Any, name: str, code: str, **other: str) -> str:
        """Press `approve`."""
        said = {"shown": other.get("shown") or self.shown(row), "diff": "", "code": code}
        return self._press(row, name, {"act": "approve", **said})

    def reject(self, row: Any, name: str) -> str:
        """Press `reject`."""
        return self._press(row, name, {"act": "reject"})

    def _press(self, row: Any, name: str, said: dict[str, str]) -> str:
        client, user = Client(), User.objects.filter(username=name).first()
        if user is not None:
            client.force_login(user)
        page = f"/approvals/{row['action_id']}/"
        answer = client.post(page, said)
        done = answer.status_code == 302 and answer["Location"].endswith(page)
        return "ok" if done and "next=" not in answer["Location"] else str(answer.status_code)


class ByApi(Desk):
    """Decides over the API, with a token of whoever has the name that was given."""

    def approve(self, row: Any, name: str, code: str, **other: str) -> str:
        """POST `approve`."""
        shown = other.get("shown") or self.shown(row)
        return self._post(row, name, "approve", {"shown_sha256": shown, "code": code})

    def reject(self, row: Any, name: str) -> str:
        """POST `reject`."""
        return self._post(row, name, "reject", {})

    def _post(self, row: Any, name: str, what: str, said: dict[str, str]) -> str:
        client, user = APIClient(), User.objects.filter(username=name).first()
        if user is not None:
            token, _ = Token.objects.get_or_create(user=user)
            client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        answer = client.post(f"/api/v1/approvals/{row['action_id']}/{what}", said, format="json")
        return "ok" if answer.status_code == 200 else str(answer.status_code)

    def must(self, person: Person, change: str, move: str) -> bool:
        """A token may lie in a script: only a code shows that a person is there."""
        return move != "approve, code none" and must(person, change, move)


@pytest.fixture(scope="module")
def made(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_web", 2) as found:
        connections.close_all()
        point_django(servers, found.database, "ethops_app")
        yield found


@pytest.mark.parametrize("way", [ByPage, ByApi])
@pytest.mark.parametrize("person", PEOPLE, ids=[person.kind for person in PEOPLE])
def test_nobody_decides_what_is_not_his_to_decide(made, way, person):
    """Each move by one of the two and with one class of change, in turn from person to person."""
    desk, classes, start = way(made), list(CLASSES), PEOPLE.index(person)
    wrong = [
        desk.case(person, classes[(start + number) % len(classes)], move)
        for number, move in enumerate(MOVES)
        if (start + number) % 2 == (way is ByApi)
    ]
    assert [each for found in wrong for each in found] == []


def test_the_admin_writes_nothing_that_the_gate_decides(made):
    """Whatever a superuser may not do there, nobody may."""
    request = RequestFactory().get("/")
    request.user = User(username="root", is_superuser=True, is_staff=True, is_active=True)
    loose = [
        model._meta.label
        for model, admin in the_admin._registry.items()
        if model._meta.app_label in OURS
        and (
            admin.has_add_permission(request)
            or admin.has_change_permission(request)
            or admin.has_delete_permission(request)
        )
    ]
    assert loose == []


def test_the_login_of_the_desk_writes_no_row_that_the_gate_decides(made):
    """What stands behind page, API and admin: the right is not there at all."""
    tables = {m._meta.db_table for m in apps.get_models() if m._meta.app_label in OURS}
    found = made.all(
        "owner",
        "SELECT t AS name FROM unnest(%s::text[]) t WHERE has_table_privilege('ethops_app',"
        " 'public.' || t, 'INSERT, UPDATE, DELETE, TRUNCATE')",
        sorted(tables - WRITTEN_BY_THE_DESK),
    )
    assert found == []


WRITTEN_BY_THE_DESK: set[str] = set()
"""Rows of these rooms that the desk writes by office, and no decision rests on."""
