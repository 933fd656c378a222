"""The door of people and rules takes what fits the ledger, and names the path of what does not."""

import json

import psycopg
import pytest

from audit.errors import NotCanonicalError
from audit.ledger import pending, trust


def note(role, body):
    role("app").execute("SELECT audit.note('person.noted', 'x', '', %s)", [body])


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"a": [1, {"b": 0.5}]}', "$.a[1].b: floats"),
        ('{"a": 1.0}', "$.a: floats"),
        ('{"a": {"c": 9007199254740992}}', "$.a.c: a number"),
        ('{"a": 1e400}', "$.a: a number"),
        ('{"a": [{"é": 1}]}', "$.a[0]: key"),
        ("[]", "$: a fact"),
    ],
    ids=["float", "one point nothing", "huge", "hugest", "key", "list"],
)
def test_sql_refuses_with_the_path(role, clean_db, body, where):
    with pytest.raises(psycopg.errors.DataException) as refusal:
        note(role, body)
    assert where in str(refusal.value)


@pytest.mark.parametrize("body", ['{"a": [null, true, "x", -9007199254740991, {"b": []}]}', "{}"])
def test_sql_takes_what_fits(role, clean_db, body):
    note(role, body)
    kept = role("owner").execute("SELECT body - 'noted_by' FROM audit_pending").fetchone()[0]
    assert kept == json.loads(body)


def test_our_own_callers_are_told_before_the_database_is_asked(clean_db):
    with pytest.raises(NotCanonicalError, match=r"^\$\.load: floats"):
        pending.note(kind="person.noted", subject="x", body={"load": 0.5})


def test_a_ledger_whose_recorder_was_never_heard_is_down(clean_db):
    assert trust.recording().state == "down"


def test_a_recorder_that_is_heard_records(role, clean_db):
    role("audit_writer").execute("SELECT audit.alive('recorder')")
    assert (trust.recording().state, trust.recording().says) == (
        "recording",
        "The ledger is being written.",
    )


def test_a_silent_recorder_is_down_since_it_was_heard(role, clean_db):
    role("owner").execute("INSERT INTO audit_heartbeat VALUES ('recorder', '2026-01-02T03:04:05Z')")
    assert "since 2026-01-02 03:04:05 UTC" in trust.recording().says


def test_facts_that_wait_too_long_are_counted(role, clean_db):
    pending.note(kind="person.noted", subject="x", body={})
    role("owner").execute("UPDATE audit_pending SET at = now() - interval '6 s'")
    role("audit_writer").execute("SELECT audit.alive('recorder')")
    now = trust.recording()
    assert (now.state, now.waiting) == ("behind", 1)
