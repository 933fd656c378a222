"""Logins by a real OpenID provider on loopback: who comes in, as what, and who does not."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from ethops.env import CLONE
from ethops.logins import checks, conf, discovery
from ethops.logins.errors import BadAnswerError
from ethops.logins.oidc import ProviderBackend
from ethops.stack.ports import free_ports
from tests.waiting import eventually

BEA = {
    "email": "bea@example.org",
    "email_verified": True,
    "name": "Bea",
    "groups": ["platform"],
}


@dataclass
class Provider:
    """The process, the file that declares it here, and who is logged in there."""

    url: str
    file: Path

    def knows(self, sub: str, **claims: Any) -> None:
        httpx.put(f"{self.url}/users/{sub}", json={**BEA, **claims}).raise_for_status()

    def declare(self, **changed: Any) -> None:
        whole = {
            "roles": {"platform": "operator", "auditors": "auditor"},
            "newcomers": "requester",
        }
        oidc = {"issuer": self.url, "client": "ethops", "secret_file": "oidc.secret"}
        for name, value in changed.items():
            (whole if name in whole else oidc)[name] = value
        self.file.write_text(yaml.safe_dump({**whole, "oidc": oidc}), encoding="utf-8")

    def answer(self, browser: Client, sub: str = "bea", after: str = "") -> str:
        """Begin here, log in there; returns the address with which the browser comes back."""
        there = browser.get("/oidc/there/", {"next": after}).headers["Location"]
        return httpx.post(there, data={"sub": sub}).headers["Location"]

    def login(self, browser: Client, sub: str = "bea", after: str = "") -> Any:
        back = urlsplit(self.answer(browser, sub, after))
        return browser.get(f"{back.path}?{back.query}")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    port = free_ports().web
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.doubles.oidc_provider", str(port)],
        cwd=CLONE,
        stdin=subprocess.PIPE,
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _answers(url), 60)
        yield url
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.kill()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url + discovery.PATH).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def provider(
    server: str, roles_loaded: list[str], tmp_path: Path, settings: Any
) -> Iterator[Provider]:
    secret = tmp_path / "oidc.secret"
    secret.write_text("a secret\n", encoding="utf-8")
    secret.chmod(0o600)
    settings.ETHOPS_LOGINS = tmp_path / "logins.yaml"
    found = Provider(server, settings.ETHOPS_LOGINS)
    found.declare()
    found.knows("bea")
    yield found
    discovery._asked.cache_clear()


def refusals() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit_pending WHERE kind = 'person.login_refused'")
        return [json.loads(body)["code"] for (body,) in cursor.fetchall()]


def roles_of(name: str) -> list[str]:
    return sorted(User.objects.get(username=name).groups.values_list("name", flat=True))


def test_a_group_there_is_a_role_here(client: Client, provider: Provider) -> None:
    provider.login(client)
    assert roles_of("bea@example.org") == ["operator"]


def test_who_has_a_place_at_the_desk_comes_to_the_desk(client: Client, provider: Provider) -> None:
    assert provider.login(client).url == "/"
    assert client.get("/everything/").status_code == 200


def test_a_newcomer_without_a_group_is_a_requester(client: Client, provider: Provider) -> None:
    provider.knows("bea", groups=[])
    assert provider.login(client).url == "/portal/"
    assert roles_of("bea@example.org") == ["requester"]


@pytest.mark.parametrize(
    ("groups", "after", "to"),
    [
        (["platform"], "/queue/", "/queue/"),
        ([], "/queue/", "/portal/"),
        ([], "/portal/new/", "/portal/new/"),
    ],
)
def test_everybody_comes_to_where_he_may_be(
    groups: list[str], after: str, to: str, client: Client, provider: Provider
) -> None:
    provider.knows("bea", groups=groups)
    assert provider.login(client, after=after).url == to


def test_where_newcomers_are_refused_nobody_gets_an_account(
    client: Client, provider: Provider
) -> None:
    provider.declare(newcomers="refuse")
    assert provider.login(client).status_code == 403
    assert not User.objects.filter(email=BEA["email"]).exists()
    assert refusals() == ["logins.unknown"]


def test_a_group_that_is_lost_is_a_role_that_is_lost(client: Client, provider: Provider) -> None:
    provider.login(client)
    provider.declare(newcomers="refuse")
    provider.knows("bea", groups=["strangers"])
    assert provider.login(Client()).status_code == 403
    assert (roles_of("bea@example.org"), refusals()) == ([], ["logins.no_place"])


def test_a_lost_role_is_a_lost_place_in_the_session_that_is_open(
    client: Client, provider: Provider
) -> None:
    provider.login(client)
    provider.knows("bea", groups=[])
    provider.login(Client())
    assert client.get("/everything/").status_code == 302


def test_an_address_that_is_given_to_another_is_not_his_account(
    client: Client, provider: Provider
) -> None:
    provider.login(client)
    provider.knows("mallory")
    assert provider.login(Client(), "mallory").status_code == 403
    assert refusals() == ["logins.not_yours"]


@pytest.mark.parametrize("said", [False, "true", None])
def test_an_address_that_is_not_confirmed_opens_nothing(
    said: object, client: Client, provider: Provider
) -> None:
    provider.knows("bea", email_verified=said)
    assert provider.login(client).status_code == 403
    assert refusals() == ["logins.unverified"]


@pytest.mark.parametrize(
    "said", ["", "triage", "bea", "b\u0131a@example.org", "a b@example.org", ["bea@example.org"]]
)
def test_what_is_no_address_opens_nothing(said: object, client: Client, provider: Provider) -> None:
    """An account without an address has the empty one; PostgreSQL calls a dotless i an I."""
    User.objects.create_user("bea", is_staff=True)
    provider.knows("bea", email=said)
    assert provider.login(client).status_code == 403
    assert refusals() == ["logins.unverified"]


def test_a_letter_that_looks_like_another_is_another(client: Client, provider: Provider) -> None:
    User.objects.create_user("mike", email="m\u0131ke@example.org", is_staff=True)
    provider.knows("bea", email="mike@example.org", groups=[])
    provider.login(client)
    assert roles_of("mike@example.org") == ["requester"]


def test_a_group_that_is_called_like_a_role_is_none(client: Client, provider: Provider) -> None:
    provider.knows("bea", groups=["admin", "approver"])
    provider.login(client)
    assert roles_of("bea@example.org") == ["requester"]


def test_whom_it_is_about_is_on_record(client: Client, provider: Provider) -> None:
    User.objects.create_user("ada", email="bea@example.org", password="a local one")
    provider.login(client)
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject FROM audit_pending WHERE kind = 'person.login_refused'")
        assert cursor.fetchall() == [("bea@example.org",)]


def test_a_name_that_is_taken_is_nobodys_by_a_provider(client: Client, provider: Provider) -> None:
    User.objects.create_user("bea@example.org", is_staff=True)
    assert provider.login(client).status_code == 403
    assert refusals() == ["logins.not_yours"]


def test_an_account_that_is_switched_off_ends_its_sessions(
    client: Client, provider: Provider
) -> None:
    provider.login(client)
    User.objects.update(is_active=False)
    assert client.get("/password_change/").status_code == 302


def test_without_a_provider_its_sessions_are_nobodys(client: Client, provider: Provider) -> None:
    provider.login(client)
    provider.file.unlink()
    assert client.get("/password_change/").status_code == 302


def test_who_comes_again_has_the_clock_of_his_roles_now(client: Client, provider: Provider) -> None:
    provider.login(client)
    provider.knows("bea", groups=["auditors"])
    provider.login(client)
    assert client.session["ethops.session"][2] == 3600


@pytest.mark.parametrize(
    "account",
    [{"password": "a local one"}, {"is_superuser": True}, {"is_active": False}],
    ids=["has a password", "superuser", "inactive"],
)
def test_an_account_of_this_house_is_not_the_providers(
    account: dict[str, Any], client: Client, provider: Provider
) -> None:
    User.objects.create_user("ada", email="BEA@example.org", **account)
    assert provider.login(client).status_code == 403
    assert "_auth_user_id" not in client.session
    assert refusals() == ["logins.not_yours"]


def test_an_answer_for_another_browser_is_refused(client: Client, provider: Provider) -> None:
    back = urlsplit(provider.answer(client))
    thief = Client()
    provider.answer(thief)
    assert thief.get(f"{back.path}?{back.query}").status_code == 403
    assert refusals() == ["logins.bad_answer"]


def test_an_answer_counts_once(client: Client, provider: Provider) -> None:
    back = urlsplit(provider.answer(client))
    client.get(f"{back.path}?{back.query}")
    client.logout()
    assert client.get(f"{back.path}?{back.query}").status_code == 403


def test_a_code_of_another_login_is_refused_by_its_challenge(
    client: Client, provider: Provider
) -> None:
    """Who has stolen a code puts it into his own answer: state is his, challenge is not."""
    stolen = parse_qs(urlsplit(provider.answer(Client())).query)["code"][0]
    mine = parse_qs(urlsplit(provider.answer(client)).query)["state"][0]
    answer = client.get("/oidc/back/", {"code": stolen, "state": mine})
    assert (answer.status_code, "_auth_user_id" in client.session) == (403, False)


def test_a_token_for_another_client_is_refused(client: Client, provider: Provider) -> None:
    back = urlsplit(provider.answer(client))
    provider.declare(client="another")
    assert client.get(f"{back.path}?{back.query}").status_code == 403


def test_what_is_said_about_somebody_else_opens_nothing(client: Client, provider: Provider) -> None:
    """The token is of one person, what the provider tells with it of another."""
    verifier = "v" * 64
    digest = hashlib.sha256(verifier.encode()).digest()
    said = {
        "client_id": "ethops",
        "redirect_uri": "http://testserver/oidc/back/",
        "response_type": "code",
        "scope": "openid email profile",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    there = httpx.post(f"{provider.url}/oauth2/authorize", params=said, data={"sub": "bea"})
    code = parse_qs(urlsplit(there.headers["Location"]).query)["code"][0]
    given = httpx.post(
        f"{provider.url}/oauth2/token",
        data={
            **{name: said[name] for name in ("client_id", "redirect_uri")},
            "client_secret": "a secret",
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
        },
    ).json()
    backend = ProviderBackend()
    declared = conf.provider()
    assert declared is not None
    backend._aim(declared)
    with pytest.raises(BadAnswerError, match="somebody else"):
        backend.get_or_create_user(given["access_token"], given["id_token"], {"sub": "mallory"})


def test_the_challenge_is_a_digest(client: Client, provider: Provider) -> None:
    asked = parse_qs(urlsplit(client.get("/oidc/there/").headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(base64.urlsafe_b64decode(asked["code_challenge"][0] + "=")) == 32


def test_a_session_has_a_clock_by_this_door_too(client: Client, provider: Provider) -> None:
    provider.login(client)
    assert client.session["ethops.session"][2] == 8 * 3600


def test_a_provider_that_is_away_is_said_and_passwords_go_on(
    client: Client, provider: Provider
) -> None:
    provider.declare(issuer=f"http://127.0.0.1:{free_ports().web}")
    assert "does not answer" in client.get("/oidc/there/").content.decode()
    User.objects.create_user("ada", password="a local one", is_staff=True)
    said = {"username": "ada", "password": "a local one"}
    assert client.post("/login/", said).status_code == 302


def test_the_button_is_there_only_where_there_is_a_provider(
    client: Client, provider: Provider
) -> None:
    pages = ["/login/", "/portal/login/"]
    assert all("/oidc/there/" in client.get(page).content.decode() for page in pages)
    provider.file.unlink()
    assert not any("/oidc/there/" in client.get(page).content.decode() for page in pages)


def test_without_a_provider_its_doors_are_not_there(client: Client, provider: Provider) -> None:
    provider.file.unlink()
    doors = ["/oidc/there/", "/oidc/back/?code=1&state=2", "/oidc/out/"]
    assert [client.get(door).status_code for door in doors] == [404, 404, 404]


def test_nobody_is_sent_elsewhere_after_the_login(client: Client, provider: Provider) -> None:
    client.get("/oidc/there/", {"next": "https://example.com/"})
    assert client.session["oidc_login_next"] is None


@pytest.mark.parametrize("door", ["/logout/", "/portal/logout/"])
def test_who_logs_out_is_shown_where_the_provider_ends_its_own(
    door: str, client: Client, provider: Provider
) -> None:
    provider.login(client)
    answer = client.post(door, follow=True)
    assert "_auth_user_id" not in client.session
    assert "own login goes on" in answer.content.decode().replace("&#x27;", "'")


def test_out_leads_to_where_the_provider_ends_a_login(client: Client, provider: Provider) -> None:
    assert f"{provider.url}/oauth2/end_session?" in client.get("/oidc/out/").content.decode()


def test_who_came_with_a_password_is_told_of_no_provider(
    client: Client, provider: Provider
) -> None:
    client.force_login(
        User.objects.create_user("ada", is_staff=True), "django.contrib.auth.backends.ModelBackend"
    )
    assert "own login" not in client.post("/logout/").content.decode()


def test_a_role_by_a_group_is_on_record(client: Client, provider: Provider) -> None:
    provider.login(client)
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit_pending WHERE kind = 'person.roles' ORDER BY n")
        said = [json.loads(body) for (body,) in cursor.fetchall()]
    assert (said[-1]["by"], said[-1]["roles"]) == ("oidc", ["operator"])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, []),
        ({"issuer": "http://id.example.org"}, ["logins.E001"]),
        ({"client": ""}, ["logins.E001"]),
        ({"secret_file": "nowhere"}, ["logins.E002"]),
        ({"roles": {"platform": "king"}}, ["logins.E001"]),
    ],
)
def test_half_a_declaration_is_refused(
    changed: dict[str, Any], code: list[str], provider: Provider
) -> None:
    provider.declare(**changed)
    assert [one.id for one in checks.check_logins()] == code


def test_a_secret_that_others_may_read_is_refused(provider: Provider) -> None:
    (provider.file.parent / "oidc.secret").chmod(0o644)
    assert [one.id for one in checks.check_logins()] == ["logins.E002"]
