"""People, clients and a small history for the API and the pages."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.conftest import point_django
from tests.doubles import authenticator
from tests.integration.api.scene import Scene
from tests.servers import Servers


@pytest.fixture(autouse=True)
def _committing(clean_db: None) -> None:
    """Every test here commits: other roles must see it."""


@pytest.fixture(autouse=True)
def state(settings: Any, tmp_path: Path) -> Path:
    """A state folder of its own, where the stop file would lie."""
    settings.ETHOPS_STATE = tmp_path
    return tmp_path


@pytest.fixture
def ada() -> User:
    """A superuser: whatever she may not do, nobody may."""
    return User.objects.create_superuser("ada", password="correct horse")


@pytest.fixture
def bo() -> User:
    """Somebody of the desk without any permission of his own."""
    return User.objects.create_user("bo", password="correct horse", is_staff=True)


@pytest.fixture
def cy() -> User:
    """A stranger with a login."""
    return User.objects.create_user("cy", password="correct horse")


def api_of(user: User) -> APIClient:
    """A client with the user's token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    return client


@pytest.fixture
def api(ada: User) -> APIClient:
    """The API as ada."""
    return api_of(ada)


@pytest.fixture
def desk(ada: User) -> Client:
    """The desk as ada."""
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


@pytest.fixture
def scene(role: Callable[[str], psycopg.Connection[Any]]) -> Scene:
    """A furnished site with one incident's history."""
    made = Scene(role)
    made.furnish()
    made.history()
    made.alive()
    return made


@pytest.fixture
def as_executor(servers: Servers, database_name: str) -> Callable[[], AbstractContextManager[None]]:
    """`with as_executor():` Django is who asks people, and may know whether that is wanted."""

    @contextmanager
    def at() -> Iterator[None]:
        point_django(servers, database_name, "ethops_executor")
        try:
            yield
        finally:
            point_django(servers, database_name, "ethops_app")

    return at


@pytest.fixture
def evil(servers: Servers, database_name: str) -> Iterator[Callable[..., None]]:
    """`evil(statement)`: what somebody with the superuser's login does, past the triggers."""
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:

        def change(statement: str, table: str = "audit_entry") -> None:
            found = link.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                [table],
            ).fetchall()
            link.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
            link.execute(statement)  # type: ignore[arg-type]
            for (name,) in found:
                link.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")  # type: ignore[arg-type]

        yield change


FIELDS = [
    {"name": "hours", "label": "How many hours", "kind": "whole", "required": True, "least": 1},
    {"name": "begin", "label": "When it begins", "kind": "moment"},
    {"name": "loud", "label": "It may be loud", "kind": "flag"},
]


@pytest.fixture
def catalogue(role: Callable[[str], psycopg.Connection[Any]]) -> None:
    """Two items of the service catalogue: one that leads approve, one that nobody has to."""
    for slug, approvers in (("gpu", "leads"), ("question", "")):
        role("owner").execute(
            "INSERT INTO tickets_requestmodel (slug, title, approver_role, impact, urgency, fields,"
            " steps) VALUES (%s, %s, %s, 3, 3, %s, '[]')",
            [slug, slug.title(), approvers, json.dumps(FIELDS)],
        )


@pytest.fixture
def enrolled(
    role: Callable[[str], psycopg.Connection[Any]],
) -> Callable[[str], Callable[[], dict[str, str]]]:
    """`enrolled("abe")` gives him a second factor; what it returns has the code of now."""

    def enrol(name: str) -> Callable[[], dict[str, str]]:
        link = role("owner")
        secret = link.execute("SELECT gate.enrol_factor(%s, 'root')", [name]).fetchone()
        assert secret is not None
        # Confirmed by no code, so that the one of now is left.
        link.execute("UPDATE approvals_factor SET confirmed_at = now() WHERE person = %s", [name])
        return lambda: {"code": authenticator.code(bytes(secret[0]))}

    return enrol
