"""Retention: bytes go only where a signed entry of the ledger itself says so; proofs stay."""

import hashlib
import json

import psycopg
import pytest
from django.db import connections

from audit.ledger import pending, retention
from audit.models import Entry
from tests.doubles.recording import write_down

GONE = "kind = 'pruned', subject = '', ticket_ref = ''"


@pytest.fixture
def ledger(role, clean_db):
    """Ten entries; `ledger()` records what waits."""

    def write():
        write_down(role("audit_writer"))

    for number in range(10):
        pending.note(kind="person.noted", subject=str(number), body={"n": number})
    write()
    yield write
    connections.close_all()


def signed(role):
    """Let there be a signed head over everything, as far as the rows go."""
    role("owner").execute(
        "INSERT INTO audit_treehead (size, root, note)"
        " SELECT seq, sha256(''), 'n' FROM audit_head ON CONFLICT DO NOTHING"
    )


def declare(role, ledger, first=1, last=5, days=0):
    role("app").execute(
        "SELECT audit.declare_pruning(%s, %s, 'half a year', %s, %s, 'ada', 'space')",
        [first, last, days, "ab" * 32],
    )
    ledger()


def prune(role):
    return role("owner").execute("SELECT audit.prune(1000)").fetchone()[0]


def test_nothing_goes_without_an_entry_that_says_so(role, ledger):
    signed(role)
    assert prune(role) == 0


def test_nothing_goes_before_that_entry_is_signed(role, ledger):
    signed(role)
    declare(role, ledger)
    assert prune(role) == 0


def test_what_a_signed_entry_names_goes(role, ledger):
    signed(role)
    declare(role, ledger)
    signed(role)
    assert (prune(role), prune(role)) == (5, 0)


def test_the_leaf_hash_stays_in_the_place_of_the_bytes(role, ledger):
    body = bytes(Entry.objects.get(seq=2).body)
    signed(role)
    declare(role, ledger)
    signed(role)
    prune(role)
    left = Entry.objects.get(seq=2)
    assert (bytes(left.body), left.subject) == (hashlib.sha256(b"\x00" + body).digest(), "")


def test_entries_about_the_ledger_stay(role, ledger):
    signed(role)
    declare(role, ledger, 1, 2)
    pending.note(kind="person.noted", subject="after", body={})
    ledger()
    signed(role)
    declare(role, ledger, 1, 11)
    signed(role)
    prune(role)
    assert Entry.objects.get(seq=11).kind == "ledger.pruned"


def test_values_of_what_goes_go_along(role, ledger):
    digest = role("owner").execute("SELECT audit.keep_value('secret', 's')").fetchone()[0]
    role("owner").execute(
        "SELECT audit.put_pending('action.outcome', 's', '',"
        " jsonb_build_object('values', jsonb_build_object('said', %s::text)))",
        [digest],
    )
    pending.note(kind="person.noted", subject="after", body={})
    ledger()
    signed(role)
    declare(role, ledger, 1, 11)
    signed(role)
    prune(role)
    assert role("app").execute("SELECT value FROM audit_value").fetchone() == (None,)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [(0, 5, 0), (5, 4, 0), (1, 10, 0), (1, 99, 0), (1, 5, 1), (1, 5, -1)],
    ids=["from nothing", "backwards", "the newest", "beyond", "too young", "negative"],
)
def test_a_bad_range_is_not_declared(role, ledger, first, last, days):
    signed(role)
    with pytest.raises(psycopg.errors.CheckViolation):
        declare(role, ledger, first, last, days)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE audit_entry SET body = sha256('\\x00'::bytea || body), {GONE} WHERE seq = 7",
        f"UPDATE audit_entry SET body = '', {GONE} WHERE seq = 2",
        "UPDATE audit_entry SET subject = 'x' WHERE seq = 2",
        "DELETE FROM audit_entry WHERE seq = 2",
        "TRUNCATE audit_entry",
    ],
    ids=["outside the range", "other bytes", "a subject", "delete", "truncate"],
)
def test_even_the_owner_can_do_nothing_else(role, ledger, statement):
    signed(role)
    declare(role, ledger)
    signed(role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("owner").execute(statement)


@pytest.mark.parametrize("name", ["app", "agent", "executor", "audit_writer"])
def test_the_owner_alone_prunes(role, ledger, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role(name).execute("SELECT audit.prune(1)")


def test_a_declaration_names_range_archive_and_person(role, ledger):
    signed(role)
    retention.declare_pruning(
        first=1, last=5, policy="p", days=0, archive_sha256="cd" * 32, by="ada", why="w"
    )
    ledger()
    said = json.loads(bytes(Entry.objects.get(kind="ledger.pruned").body))["body"]
    assert (said["from"], said["to"], said["archive_sha256"], said["person"]) == (
        1,
        5,
        "cd" * 32,
        "ada",
    )
