"""Role by role and route by route: who is let in where, and that an auditor changes nothing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ethops.logins import people
from ethops.logins.roles import ROLES
from tests.integration.logins.routes import DESK, LINKED, NOBODY, OPEN, PORTAL, ROWS_OF

UUID = "00000000-0000-4000-8000-000000000000"
SAMPLES = {
    "ref": "INC-000001",
    "name": "nobody",
    "slug": "nothing",
    "level": "entries",
    "index": "000",
    "size": "1",
    "what": "incident",
    "to": "open",
    "app_label": "audit",
    "url": "nothing-here/",
    "token": "forged",
    "id": "1",
    "object_id": "1",
}
STRANGER = "stranger"
AT_THE_DESK = frozenset(name for name, role in ROLES.items() if role.desk)
LOGGED_IN = frozenset(ROLES)
MAY_LOOK = {
    "admin": frozenset({"admin"}),
    "looked at": frozenset({"admin", "auditor"}),
    "desk": AT_THE_DESK,
}
EVERYBODY = LOGGED_IN | {STRANGER}


SKIPPED = (
    "logout/",
    # Who may add and delete is a right to change; looking is what is tried here.
    *("/add/", "/delete/", "/password/"),
    # Django answers these the same to all at the desk: the one only sends on to the page that
    # asks for the right, the other looks for the row, which is not there, before it asks.
    *("<path:object_id>/", "<path:object_id>/history/"),
)


def walked(resolver: Any = None, before: str = "") -> Iterator[str]:
    """Every pattern of the urlconf, as it is written."""
    for one in (resolver or get_resolver()).url_patterns:
        text = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from walked(one, text)
        else:
            assert isinstance(one, URLPattern)
            yield text


def rows_of(pattern: str) -> str | None:
    """Which kind of rows a generated address of the admin is about."""
    found = re.match(r"([a-z_]+/[a-z]+)/", pattern)
    return found[1] if found and found[1] in ROWS_OF else None


def who_may(pattern: str) -> frozenset[str] | None:
    """Who is let in to look; None for a route without a row."""
    pattern = plain(pattern)
    if pattern in OPEN | LINKED:
        return EVERYBODY
    if pattern in NOBODY:
        return frozenset()
    if pattern in PORTAL:
        return LOGGED_IN
    if pattern in DESK:
        return AT_THE_DESK
    kind = rows_of(pattern)
    if kind is None:
        return None
    return MAY_LOOK[ROWS_OF[kind]]


def filled(path: str, value: Callable[[str, str], str]) -> str:
    """A pattern with each named group in the place of which a value stands."""
    while found := re.search(r"\(\?P<([a-z_]+)>", path):
        end, depth = found.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(path[end], 0)
            end += 1
        path = path[: found.start()] + value(found[1], path[found.end() : end - 1]) + path[end:]
    return path.replace("^", "").replace("$", "")


def plain(pattern: str) -> str:
    """A pattern as its row writes it."""
    return filled(pattern, lambda name, _: f"<{name}>")


def sample(name: str, inner: str) -> str:
    """Something that a named group takes."""
    return "1" if inner.startswith("[0-9]{") else SAMPLES.get(name, UUID)


def address(pattern: str) -> str:
    """An address that the pattern takes."""
    path = filled(pattern, sample)
    path = re.sub(r"<uuid:[a-z_]+>", UUID, path)
    path = re.sub(r"<int:[a-z_]+>", "1", path)
    path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", lambda m: SAMPLES.get(m[1], UUID), path)
    return f"/{path}"


def refused(answer: Any) -> bool:
    """Tell whether somebody was not let in: told so, or sent to a login."""
    if answer.status_code in {301, 302}:
        return bool(re.match(r"/(portal/)?login/", answer.url))
    return answer.status_code in {401, 403}


@pytest.fixture
def browsers(roles_loaded: None) -> dict[str, Client]:
    """A browser of each role, and one of nobody."""
    found = {}
    for name in EVERYBODY:
        found[name] = Client(raise_request_exception=False)
        if name != STRANGER:
            user = User.objects.create_user(f"one-{name}")
            people.give(user, [name], by="ada")
            found[name].force_login(User.objects.get(pk=user.pk))
    return found


ROUTES = sorted(set(walked()))


def test_every_route_has_a_row() -> None:
    assert [one for one in ROUTES if who_may(one) is None] == []


def test_every_row_has_a_route() -> None:
    kinds = {rows_of(one) for one in ROUTES}
    gone = (OPEN | LINKED | NOBODY | PORTAL | DESK) - {plain(one) for one in ROUTES}
    gone |= {one for one in ROWS_OF if one not in kinds}
    assert gone == set()


def test_every_role_is_let_in_where_its_row_says(
    roles_loaded: None, browsers: dict[str, Client]
) -> None:
    wrong = []
    for pattern in ROUTES:
        if pattern.endswith(SKIPPED):
            continue
        for name, browser in browsers.items():
            answer = browser.get(address(pattern))
            let_in = not refused(answer)
            may = name in (who_may(pattern) or ())
            if let_in is not may:
                wrong.append((name, pattern, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_auditor_changes_nothing_anywhere(
    method: str, roles_loaded: None, browsers: dict[str, Client]
) -> None:
    done = []
    for pattern in ROUTES:
        if plain(pattern) in OPEN | {"password_change/"}:
            continue
        answer = getattr(browsers["auditor"], method)(address(pattern))
        if not refused(answer):
            done.append((pattern, answer.status_code))
    assert done == []


def test_a_requester_changes_nothing_at_the_desk(
    roles_loaded: None, browsers: dict[str, Client]
) -> None:
    done = []
    for pattern in ROUTES:
        if plain(pattern) in OPEN | LINKED | PORTAL:
            continue
        answer = browsers["requester"].post(address(pattern))
        if not refused(answer):
            done.append((pattern, answer.status_code))
    assert done == []
