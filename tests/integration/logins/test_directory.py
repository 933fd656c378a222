"""Logins by a real directory on loopback: who comes in, as what, and who does not."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from ethops.logins import checks, conf, directory, doors, rereading
from ethops.logins.errors import DirectoryAwayError
from ethops.stack.ports import free_ports
from tests.doubles import slapd
from tests.doubles.slapd import GROUPS, PEOPLE, ROOT, ROOT_PASSWORD, Slapd
from tests.waiting import eventually


@dataclass
class House:
    """The directory, and the file that declares it here."""

    there: Slapd
    file: Path

    def declare(self, **changed: Any) -> None:
        whole: dict[str, Any] = {
            "roles": {"platform": "operator", "auditors": "auditor"},
            "newcomers": "requester",
        }
        ldap: dict[str, Any] = {
            "url": self.there.plain,
            "ca_file": str(self.there.ca),
            "bind_dn": ROOT,
            "secret_file": "ldap.secret",
            "people": PEOPLE,
            "groups": GROUPS,
        }
        for name, value in changed.items():
            (whole if name in whole else ldap)[name] = value
        kept = {name: value for name, value in ldap.items() if value is not None}
        self.file.write_text(yaml.safe_dump({**whole, "ldap": kept}), encoding="utf-8")

    def login(self, browser: Client, name: str = "bea", password: str | None = None) -> Any:
        said = {"username": name, "password": "bea" if password is None else password}
        return browser.post("/login/", said)

    def find(self, login: str = "bea") -> directory.Entry | None:
        declared = conf.logins()
        assert declared.ldap is not None
        return directory.find(declared.ldap, login, declared.roles)


def started(folder: Path, *, tls: bool = True) -> Slapd:
    if slapd.BINARY is None:
        pytest.skip("this machine has no slapd: whether logins by a directory hold is not known")
    ports = free_ports()
    made = slapd.start(folder, (ports.web, ports.flower), tls=tls)
    eventually(made.answers, 30)
    slapd.furnish(made)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    made = started(tmp_path_factory.mktemp("slapd") / "own")
    yield made
    made.stop()


@pytest.fixture
def house(server: Slapd, roles_loaded: list[str], tmp_path: Path, settings: Any) -> House:
    secret = tmp_path / "ldap.secret"
    secret.write_text(ROOT_PASSWORD, encoding="utf-8")
    secret.chmod(0o600)
    settings.ETHOPS_LOGINS = tmp_path / "logins.yaml"
    found = House(server, settings.ETHOPS_LOGINS)
    found.declare()
    server.group("platform", [server.person("bea", mail="bea@example.org")])
    server.group("auditors", [])
    return found


def noted(kind: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit_pending WHERE kind = %s ORDER BY n", [kind])
        return [json.loads(body) for (body,) in cursor.fetchall()]


def refusals() -> list[str]:
    return [one["code"] for one in noted("person.login_refused")]


def roles_of(name: str = "bea") -> list[str]:
    return sorted(User.objects.get(username=name).groups.values_list("name", flat=True))


# ---------------------------------------------------------------- who comes in


@pytest.mark.parametrize("way", ["StartTLS", "ldaps"])
def test_a_group_there_is_a_role_here(way: str, client: Client, house: House) -> None:
    house.declare(url=house.there.secure if way == "ldaps" else house.there.plain)
    assert house.login(client).status_code == 302
    assert client.get("/everything/").status_code == 200
    assert roles_of() == ["operator"]
    said = noted("person.roles")[-1]
    assert (said["by"], said["roles"]) == ("ldap", ["operator"])


def test_who_has_no_group_comes_to_the_portal(client: Client, house: House) -> None:
    house.there.group("platform", [])
    said = {"username": "bea", "password": "bea"}
    assert client.post("/portal/login/", said).status_code == 302
    assert roles_of() == ["requester"]


def test_members_may_be_named_by_their_logins(house: House) -> None:
    """As those of posixGroup are; any attribute stands for it."""
    house.declare(member="description", member_is="login")
    house.there.group("platform", [f"uid=nobody,{PEOPLE}"])
    with house.there.root() as link:
        link.modify(f"cn=platform,{GROUPS}", {"description": [("MODIFY_REPLACE", ["bea"])]})
    found = house.find()
    assert found is not None
    assert found.groups == {"platform"}


def test_where_newcomers_are_refused_nobody_gets_an_account(client: Client, house: House) -> None:
    house.declare(newcomers="refuse")
    assert "Nobody here is called bea" in house.login(client).content.decode()
    assert (refusals(), User.objects.count()) == (["logins.unknown"], 0)


# ---------------------------------------------------------------- who does not


@pytest.mark.parametrize("password", ["wrong", "", " ", "b" * 2000])
def test_another_password_opens_nothing(password: str, client: Client, house: House) -> None:
    house.login(client, password=password)
    assert "_auth_user_id" not in client.session
    assert not User.objects.exists()


def test_no_password_is_no_password_whatever_the_server_takes(house: House) -> None:
    declared = conf.logins().ldap
    assert declared is not None
    assert directory.proven(declared, "bea", "bea", []) is not None
    assert directory.proven(declared, "bea", "", []) is None


@pytest.mark.parametrize(
    "name", ["*", "b*", "bea)(uid=*", "*)(objectClass=*", "bea\\", "nobody)(|(uid=bea", "", "bea\0"]
)
def test_a_name_is_a_name_in_a_filter(name: str, client: Client, house: House) -> None:
    assert house.find(name) is None
    house.login(client, name)
    assert "_auth_user_id" not in client.session


def test_two_of_one_name_are_nobody(house: House) -> None:
    house.declare(login="sn")
    house.there.person("bea2")
    with house.there.root() as link:
        link.modify(f"uid=bea2,{PEOPLE}", {"sn": [("MODIFY_REPLACE", ["bea"])]})
    assert house.find() is None


@pytest.mark.parametrize(
    "account",
    [
        {"password": "a local one"},
        {"is_superuser": True},
        {"is_active": False},
        {"username": "BEA", "password": "a local one"},
    ],
    ids=["has a password", "superuser", "inactive", "in capitals"],
)
def test_an_account_of_this_house_is_not_the_directorys(
    account: dict[str, Any], client: Client, house: House
) -> None:
    User.objects.create_user(**{"username": "bea", "is_staff": True, **account})
    house.login(client)
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == 1


def test_an_account_of_a_provider_is_not_the_directorys(client: Client, house: House) -> None:
    user = User.objects.create_user("bea")
    doors.bind(user, "oidc", "https://id.example.org 1")
    house.login(client)
    assert "_auth_user_id" not in client.session


def test_nobody_comes_in_under_the_name_of_a_card(
    role: Callable[[str], Any], client: Client, house: House
) -> None:
    role("owner").execute(
        "INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)"
        " VALUES ('triage', 'Triage', 'Looks.', 'responders', 'd', '{}', '{}')"
        " ON CONFLICT DO NOTHING"
    )
    house.there.person("triage")
    house.login(client, "triage", "triage")
    assert (refusals(), User.objects.count()) == (["logins.not_yours"], 0)


def test_an_address_that_is_anothers_stays_his(client: Client, house: House) -> None:
    User.objects.create_user("ada", email="bea@example.org", password="a local one")
    house.login(client)
    assert User.objects.get(username="bea").email == ""


# ---------------------------------------------------------------- who is so no longer


def test_a_group_that_is_lost_is_a_role_that_is_lost_at_the_next_login(
    client: Client, house: House
) -> None:
    house.login(client)
    house.there.group("platform", [])
    house.declare(newcomers="refuse")
    assert "No group of bea has a role here" in house.login(Client()).content.decode()
    assert (roles_of(), refusals()) == ([], ["logins.no_place"])


def test_a_group_that_is_lost_is_a_role_that_is_lost_without_any_login(
    client: Client, house: House
) -> None:
    house.login(client)
    house.there.group("platform", [])
    assert rereading.reread() == 1
    assert client.get("/everything/").status_code == 302
    assert (roles_of(), noted("person.roles")[-1]["by"]) == (["requester"], "ldap")


def test_who_is_gone_is_logged_out_everywhere(client: Client, house: House) -> None:
    house.login(client)
    house.there.without("bea")
    assert client.get("/portal/").status_code == 200
    rereading.reread()
    assert client.get("/portal/").status_code == 302
    assert roles_of() == []


def test_who_is_called_otherwise_here_stays_who_he_is(client: Client, house: House) -> None:
    house.login(client)
    User.objects.filter(username="bea").update(username="beatrice")
    rereading.reread()
    assert (client.get("/everything/").status_code, roles_of("beatrice")) == (200, ["operator"])


def test_of_whom_only_a_name_is_known_and_that_another_is_nobodys(
    client: Client, house: House
) -> None:
    house.declare(id="")
    house.login(client)
    User.objects.filter(username="bea").update(username="beatrice")
    rereading.reread()
    assert (client.get("/everything/").status_code, roles_of("beatrice")) == (302, [])


def test_who_is_gone_is_written_once(client: Client, house: House) -> None:
    house.login(client)
    house.there.without("bea")
    rereading.reread()
    before = User.objects.get(username="bea").password
    rereading.reread()
    assert User.objects.get(username="bea").password == before


def test_who_stays_as_he_was_stays_logged_in(client: Client, house: House) -> None:
    house.login(client)
    rereading.reread()
    assert client.get("/everything/").status_code == 200


def test_accounts_of_this_house_are_not_read_again(house: House) -> None:
    User.objects.create_user("ada", password="a local one")
    User.objects.create_user("bot")
    assert rereading.reread() == 0


def test_without_a_directory_its_sessions_are_nobodys(client: Client, house: House) -> None:
    house.login(client)
    house.file.unlink()
    assert client.get("/everything/").status_code == 302


# ---------------------------------------------------------------- who is whom


def who(browser: Client) -> str:
    return str(User.objects.get(pk=browser.session["_auth_user_id"]).username)


def test_who_is_called_otherwise_there_has_his_account(client: Client, house: House) -> None:
    house.login(client)
    house.there.group("platform", [house.there.rename("bea", "beate")])
    assert rereading.reread() == 1
    assert client.get("/everything/").status_code == 200
    again = Client()
    assert house.login(again, "beate", "bea").status_code == 302
    assert (who(again), User.objects.count()) == ("bea", 1)
    house.there.without("beate")


def test_who_has_the_name_of_somebody_who_left_has_not_his_account(
    client: Client, house: House
) -> None:
    house.login(client)
    house.there.without("bea")
    house.there.group("platform", [house.there.person("bea")])
    other = Client()
    assert "not opened this way" in house.login(other).content.decode()
    assert refusals() == ["logins.not_yours"]
    rereading.reread()
    assert (client.get("/everything/").status_code, roles_of()) == (302, [])


@pytest.mark.parametrize("how", ["he comes again", "it is read again"])
def test_an_account_of_earlier_days_is_bound_to_who_he_is(
    how: str, client: Client, house: House
) -> None:
    house.declare(id="")
    house.login(client)
    assert doors.id_of(User.objects.get()) == ""
    house.declare(id="entryUUID")
    if how == "he comes again":
        assert house.login(Client()).status_code == 302
    else:
        assert rereading.reread() == 1
    found = house.find()
    assert found is not None
    assert doors.id_of(User.objects.get()) == found.subject
    house.there.group("platform", [house.there.person("bea")])
    assert "not opened this way" in house.login(Client()).content.decode()


@pytest.mark.parametrize("guid", [bytes(range(16)), b"(*)\\\0" + b"\xff" * 11])
def test_an_id_may_be_bytes_as_in_an_active_directory(
    guid: bytes, client: Client, house: House
) -> None:
    house.declare(id="objectGUID")
    house.there.group("platform", [house.there.person("bea", guid=guid)])
    house.login(client)
    assert doors.id_of(User.objects.get()) == f"id={guid.hex()}"
    assert rereading.reread() == 1
    assert client.get("/everything/").status_code == 200


def test_a_directory_that_does_not_say_the_id_opens_nothing(client: Client, house: House) -> None:
    house.declare(id="employeeNumber")
    assert "does not say employeeNumber" in house.login(client).content.decode()
    assert User.objects.count() == 0


def test_a_provider_who_calls_somebody_an_id_opens_nothing(client: Client, house: House) -> None:
    house.login(client)
    user = User.objects.get()
    assert not doors.opens(user, "oidc", doors.id_of(user))
    assert not doors.bound("oidc", doors.id_of(user)).exists()


# ---------------------------------------------------------------- the way there


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(0)
        yield made


def address(of: socket.socket) -> str:
    return f"ldap://127.0.0.1:{of.getsockname()[1]}"


def test_a_directory_that_is_away_is_said_and_passwords_go_on(client: Client, house: House) -> None:
    house.login(client)
    house.declare(url=f"ldap://127.0.0.1:{free_ports().web}")
    assert "The directory does not answer" in house.login(Client()).content.decode()
    assert refusals() == ["logins.directory_away"]
    User.objects.create_user("ada", password="a local one", is_staff=True)
    assert house.login(Client(), "ada", "a local one").status_code == 302
    assert (rereading.reread(), roles_of()) == (0, ["operator"])


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_nobody_waits_for_a_directory_that_says_nothing(
    scheme: str, house: House, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PATIENCE_SECONDS", 1)
    house.declare(url=address(silent).replace("ldap:", f"{scheme}:"))
    with pytest.raises(DirectoryAwayError):
        house.find()


@pytest.mark.parametrize(
    "changed",
    [
        {"ca_file": None},
        {"ca_file": "nowhere.pem"},
        {"url": "localhost"},
        {"bind_dn": f"cn=other,{GROUPS}"},
        {"people": "ou=nowhere,dc=example,dc=org"},
    ],
    ids=["signed by nobody known", "no such file", "of another name", "not our name", "no branch"],
)
def test_another_directory_is_asked_nothing(changed: dict[str, Any], house: House) -> None:
    if changed.get("url"):
        port = house.there.plain.rpartition(":")[2]
        changed = {"url": f"ldap://localhost:{port}"}
    house.declare(**changed)
    with pytest.raises(DirectoryAwayError):
        house.find()


def test_without_tls_no_password_is_sent(house: House, tmp_path: Path) -> None:
    bare = started(tmp_path / "bare", tls=False)
    try:
        house.declare(url=bare.plain)
        with pytest.raises(DirectoryAwayError):
            house.find()
        # Loopback needs none, where the file says so.
        house.declare(url=bare.plain, starttls=False)
        assert house.find() is None
    finally:
        bare.stop()


def test_a_referral_is_not_followed(house: House, silent: socket.socket) -> None:
    house.there.refers_to(f"{address(silent)}/{PEOPLE}")
    found = house.find()
    assert found is not None
    assert found.groups == {"platform"}
    with pytest.raises(BlockingIOError):
        silent.accept()


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, []),
        ({"url": "ldap://id.example.org", "starttls": False}, ["logins.E001"]),
        ({"url": "https://id.example.org"}, ["logins.E001"]),
        ({"url": "ldap://"}, ["logins.E001"]),
        ({"secret_file": None}, ["logins.E001"]),
        ({"login": "uid)(x=*"}, ["logins.E001"]),
        ({"secret_file": "nowhere"}, ["logins.E002"]),
        ({"ca_file": "nowhere"}, ["logins.E003"]),
        ({"bind_dn": None, "secret_file": None}, []),
    ],
)
def test_half_a_declaration_is_refused(
    changed: dict[str, Any], code: list[str], house: House
) -> None:
    house.declare(**changed)
    assert [one.id for one in checks.check_logins()] == code
