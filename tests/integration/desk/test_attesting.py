"""A person attests a safeguard: with his second factor, on record, and marked as his word."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from adapters import registry
from adapters.compliance.canonical import identity
from adapters.compliance.safeguards import CIS
from ethops.logins import people
from tests.conftest import point_django
from tests.doubles import authenticator
from tests.doubles.recording import write_down

UNTIL = (datetime.now(UTC) + timedelta(days=200)).date().isoformat()
SAID = {"by": "ada", "what": "All seven were taught", "document": "https://wiki.example/t",
        "until": UNTIL}  # fmt: skip


@pytest.fixture(autouse=True)
def _alone(clean_db):
    """Nothing else is there."""


@pytest.fixture
def code(servers, database_name, role):
    """`code()` is what ada's authenticator shows; she is an approver."""
    point_django(servers, database_name, "ethops_owner")
    people.load()
    point_django(servers, database_name, "ethops_app")
    people.give(User.objects.create_user("ada"), ["approver"], by="root")
    link = role("owner")
    secret = link.execute("SELECT gate.enrol_factor('ada', 'root')").fetchone()[0]
    link.execute("UPDATE approvals_factor SET confirmed_at = now() WHERE person = 'ada'")

    def now() -> str:
        link.execute("UPDATE approvals_factor SET last_step = 0, failures = 0, locked_until = NULL")
        return authenticator.code(bytes(secret))

    return now


def attest(safeguard="14.1", /, **more):
    out, said = StringIO(), {**SAID, **more}
    flags = ["--withdraw"] if said.pop("withdraw", False) else []
    words = [part for name, value in said.items() for part in (f"--{name}", value)]
    call_command("compliance", "attest", safeguard, *words, *flags, stdout=out)
    return out.getvalue()


def stands(safeguard="14.1"):
    (found,) = [
        one
        for one in registry.reader("compliance").findings(CIS)
        if (one.safeguard, one.scope) == (safeguard, "")
    ]
    return found


def kept():
    return registry.reader("compliance").observations()


def test_a_word_carries_in_part_says_who_and_is_called_attested(code):
    assert attest(code=code()) == f"14.1: your word is kept, until {UNTIL}.\n"
    found = stands()
    assert (found.strength, found.ground, found.known) == ("partial", "evidence", "attested")
    assert found.because[0].startswith(
        f"ada says: All seven were taught (https://wiki.example/t), until {UNTIL} ("
    )
    out = StringIO()
    call_command("compliance", "findings", stdout=out)
    assert " 14.1  partial  evidence, attested, until " in out.getvalue()


@pytest.mark.parametrize("written", [False, True], ids=["on the way", "in the ledger"])
def test_it_is_on_record_with_the_id_that_its_row_has(code, role, written):
    attest(code=code(), what='Überall: "gelernt" \\ \u2028 x')
    (one,) = kept()
    (body,) = (
        role("owner")
        .execute("SELECT body FROM audit_pending WHERE kind = 'person.attested'")
        .fetchone()
    )
    assert body["observations"] == [identity(one)]
    assert (body["person"], body["ci"], body["holds"], body["factor"]) == ("ada", "", True, "totp")
    if written:
        write_down(role("audit_writer"))
    out = StringIO()
    call_command("compliance", "verify", "--json", stdout=out)
    assert json.loads(out.getvalue())["agrees"] is True


def test_a_word_is_taken_back_and_said_again(code):
    attest(code=code())
    said = attest(code=code(), withdraw=True, what="Three have come since")
    assert said == "14.1: what people have said is taken back.\n"
    (because,) = stands().because
    assert because.startswith("ada takes back: Three have come since (https://wiki.example/t) (")
    assert (stands().ground, stands().known) == ("contradicted", "attested")
    attest(code=code(), what="Those three were taught, too")
    assert (stands().ground, len(kept())) == ("evidence", 3)


REFUSED = {
    "no code": ({"code": "000000"}, "code is not right"),
    "nobody": ({"by": "nobody"}, "may not attest"),
    "no such safeguard": ({"safeguard": "13.1"}, "no safeguard"),
    "too few words": ({"what": "done"}, "10 to 150"),
    "too many words": ({"what": "x" * 151}, "10 to 150"),
    "no address": ({"document": "in the drawer"}, "address of the document"),
    "over": ({"until": "2026-01-01"}, "today or within a year"),
    "for ever": ({"until": "2999-01-01"}, "today or within a year"),
    "no such CI": ({"ci": "web-99"}, "web-99"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_word_of_who_may_is_refused_and_nothing_is_kept(code, name):
    wrong, why = REFUSED[name]
    wrong = dict(wrong)
    with pytest.raises(CommandError, match=why):
        attest(wrong.pop("safeguard", "14.1"), **{"code": code(), **wrong})
    assert kept() == ()


def test_a_code_is_asked_for_and_counts_once(code):
    with pytest.raises(CommandError, match="give its code by --code"):
        attest()
    once = code()
    attest(code=once)
    with pytest.raises(CommandError, match="used before"):
        attest("14.2", code=once)
    refused = {one.safeguard for one in kept()}
    assert refused == {"14.1"}


@pytest.mark.parametrize("given", [[], ["operator"], ["auditor"], ["requester"]])
def test_who_has_not_the_right_is_refused_whatever_his_code(code, role, given):
    people.give(User.objects.get(username="ada"), given, by="root")
    with pytest.raises(CommandError, match="Ada may not attest"):
        attest(code=code())
    (body,) = (
        role("owner")
        .execute("SELECT body FROM audit_pending WHERE kind = 'person.refused'")
        .fetchone()
    )
    assert (body["person"], body["code"]) == ("ada", "approvals.forbidden")


WORD = (
    "INSERT INTO compliance_observation (id, kind, safeguard, scope, outcome, said, source,"
    " collected_at, expires_at, raw_sha256) VALUES (repeat('a', 64), 'person.attested', '14.1', '',"
    " 'met', 'ada says so', 'people', now(), now() + interval '1 day', repeat('b', 64))"
)
KEEP = "SELECT compliance_attested('14.1', '', true, 'ada says so', now() + interval '1 day', '[]')"


@pytest.mark.parametrize("past", [WORD, KEEP], ids=["the row", "the function"])
@pytest.mark.parametrize("name", ["app", "agent", "executor"])
def test_nobody_adds_a_word_past_the_gate(code, role, name, past):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role(name).execute(past)
    assert kept() == ()
