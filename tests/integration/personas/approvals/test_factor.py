"""The second factor in the database: right by the book, used once, and not to be guessed."""

import base64
import hashlib
import hmac
import os
import struct

import psycopg
import pytest

from tests.doubles import authenticator

SECRET = b"12345678901234567890"
RFC_6238 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


@pytest.mark.parametrize(("at", "code"), RFC_6238.items())
def test_codes_are_those_of_the_book(house, at, code):
    assert house.value("owner", "SELECT gate.totp(%s, %s::bigint)", SECRET, at // 30) == code[2:]


@pytest.mark.parametrize(("at", "code"), RFC_6238.items())
def test_so_are_those_of_our_double(at, code):
    assert authenticator.code(SECRET, at // 30) == code[2:]


@pytest.mark.parametrize("length", [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000])
def test_digests_are_those_of_the_standard_library(house, length):
    message = os.urandom(length)
    assert bytes(house.value("owner", "SELECT gate.sha1(%s)", message)) == (
        hashlib.new("sha1", message, usedforsecurity=False).digest()
    )


@pytest.mark.parametrize("length", [0, 1, 20, 63, 64, 65, 200])
def test_so_are_keyed_ones(house, length):
    key, message = os.urandom(length), struct.pack(">Q", 7)
    assert bytes(house.value("owner", "SELECT gate.hmac_sha1(%s, %s)", key, message)) == (
        hmac.new(key, message, "sha1").digest()
    )


def take(house, code, person="ada"):
    return house.one("owner", "SELECT * FROM gate.take_code(%s, %s)", person, code)["said"]


@pytest.fixture
def enrolled(house):
    house.enrol("ada")
    return house


def test_a_code_is_taken_once(enrolled):
    code = enrolled.code("ada")
    assert [take(enrolled, code), take(enrolled, code)] == ["ok", "used"]


def test_an_older_code_is_not_taken_after_a_newer_one(enrolled):
    now = enrolled.step_now()  # both are of a time that still counts when the half minute is over
    take(enrolled, authenticator.code(enrolled.secrets["ada"], now + 1))
    assert take(enrolled, authenticator.code(enrolled.secrets["ada"], now)) == "used"


@pytest.mark.parametrize("off", [-3, 3])
def test_a_code_of_another_time_is_wrong(enrolled, off):
    code = authenticator.code(enrolled.secrets["ada"], enrolled.step_now() + off)
    assert take(enrolled, code) == "wrong"


def test_the_same_code_does_not_approve_twice(enrolled):
    enrolled.risk("high")
    first, second = (enrolled.proposal()["action_id"] for _ in range(2))
    code = enrolled.code("ada")
    assert enrolled.approve(first, code=code) == "ok"
    assert enrolled.approve(second, code=code) == "approvals.wrong_code"


def test_after_three_wrong_codes_even_the_right_one_has_to_wait(enrolled):
    assert [take(enrolled, "000000") for _ in range(3)] == ["wrong"] * 3
    assert take(enrolled, enrolled.code("ada")) == "locked"


def test_each_further_wrong_code_doubles_the_wait(enrolled):
    owner = enrolled.as_role("owner")
    waits = []
    for _ in range(9):
        owner.execute("UPDATE approvals_factor SET locked_until = NULL")
        take(enrolled, "000000")
        row = owner.execute(
            "SELECT extract(epoch FROM locked_until - clock_timestamp()) AS s FROM approvals_factor"
        ).fetchone()
        waits.append(round(float(row["s"] or 0), -1))
    assert waits == [0, 0, 30, 60, 120, 240, 480, 960, 1920]


def test_a_wrong_code_given_to_the_door_is_counted(enrolled):
    enrolled.risk("high")
    action = enrolled.proposal()["action_id"]
    for _ in range(3):
        enrolled.approve(action, code="000000")
    assert enrolled.approve(action, code=enrolled.code("ada")) == "approvals.locked"


def test_the_desks_login_cannot_read_a_secret(enrolled):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        enrolled.value("app", "SELECT secret FROM approvals_factor")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT gate.enrol_factor('ada', 'me')",
        "SELECT gate.confirm_factor('ada', '000000')",
        "SELECT gate.revoke_factor('ada', 'me')",
        "SELECT gate.take_code('ada', '000000')",
        "SELECT gate.totp('x', 1)",
        "INSERT INTO approvals_factor (person, secret, enrolled_by) VALUES ('x', 'x', 'x')",
        "UPDATE approvals_factor SET last_step = 0",
        "DELETE FROM approvals_factor",
        "UPDATE approvals_approval SET state = 'approved'",
        "UPDATE approvals_profile SET single = true",
        "UPDATE approvals_author SET person = 'x'",
    ],
)
@pytest.mark.parametrize("login", ["app", "agent", "executor"])
def test_no_login_of_ours_enrols_or_decides_past_the_doors(enrolled, login, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        enrolled.as_role(login).execute(statement)


def test_enrolling_is_on_record_and_the_secret_is_not(enrolled):
    entries = enrolled.entries("person.factor")
    assert [one["body"]["what"] for one in entries] == ["enrolled", "confirmed"]
    secret = enrolled.secrets["ada"]
    said = str(entries)
    assert secret.hex() not in said
    assert base64.b32encode(secret).decode() not in said


def test_a_new_secret_ends_the_old_one(enrolled):
    old = enrolled.secrets["ada"]
    enrolled.enrol("ada")
    assert take(enrolled, authenticator.code(old, enrolled.step_now())) in {"wrong", "used"}
