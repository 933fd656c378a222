"""Every list asks as many questions of the database for three thousand tickets as for a few."""

from collections.abc import Iterator

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ethops.logins import sessions
from ethops.pages.site import Sealed
from tests import lists
from tests.crowd import REQUESTER, fill

FEW, MANY = 300, 3_000
WARM = ("/", "/tickets/ticket/", "/api/v1/tickets")
"""Asked for first, so that what every page keeps is not counted as the few's."""
TWIN = "/?p=2"
"""The second page of a list asks what the first one does."""


@pytest.fixture
def superuser(servers, database_name) -> Iterator[psycopg.Connection]:
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        yield link


def asked(client: Client, paths) -> dict[str, int]:
    """Path -> queries."""
    found = {}
    for path in paths:
        connection.queries_log.clear()  # it holds 9,000
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(path)
        assert answer.status_code == 200, path
        found[path] = len(seen)
    return found


def test_no_list_asks_more_where_there_is_more(superuser, desk, monkeypatch):
    # What fits on one page is not looked up by its keys, so each has several.
    monkeypatch.setattr(Sealed, "list_per_page", 2)
    # Once a minute a session is written anew, by whichever page is asked for then.
    monkeypatch.setattr(sessions, "GRAIN_SECONDS", 10**9)
    portal = Client()
    portal.force_login(User.objects.create_user(REQUESTER))
    at_desk = [path for path in (*lists.desk(FEW), *lists.api(FEW)) if TWIN not in path]
    fill(superuser, first=1, last=FEW)
    asked(desk, WARM)
    few = asked(desk, at_desk) | asked(portal, lists.PORTAL)
    fill(superuser, first=FEW + 1, last=MANY)
    many = asked(desk, at_desk) | asked(portal, lists.PORTAL)
    assert len(few) > 150
    more = [path for path in few if few[path] < many[path]]
    # What the process keeps for some seconds is asked for anew by whoever comes next.
    again = asked(desk, [path for path in more if path not in lists.PORTAL])
    again |= asked(portal, [path for path in more if path in lists.PORTAL])
    assert {path: (few[path], again[path]) for path in more if few[path] < again[path]} == {}
