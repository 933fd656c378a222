"""Values beside the ledger: committed to, taken away with a tombstone, missed without one."""

import psycopg
import pytest

from audit.commitments import commitment
from audit.ledger import entries, values, verification
from tests.doubles.recording import write_down


@pytest.fixture
def kept(role, clean_db):
    """An entry that commits to one value; returns its digest."""
    digest = (
        role("owner").execute("SELECT audit.keep_value('rm /etc/x', 'a subject')").fetchone()[0]
    )
    role("owner").execute(
        "SELECT audit.put_pending('step.taken', 'a subject', '',"
        " jsonb_build_object('values', jsonb_build_object('said', %s::text)))",
        [digest],
    )
    record(role)
    return digest


def record(role):
    write_down(role("audit_writer"))


def faults():
    return list(values.faults(since=0, upto=entries.head().seq))


def redact(role, digest):
    return role("app").execute("SELECT gate.redact(%s, 'ada', 'a name')", [digest]).fetchone()[0]


def by_force(servers, database_name, statement, *parameters):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_value DISABLE TRIGGER guard_value")
        evil.execute(statement, parameters)
        evil.execute("ALTER TABLE audit_value ENABLE ALWAYS TRIGGER guard_value")


def test_the_database_commits_as_we_do(role, kept):
    row = role("app").execute("SELECT salt, value FROM audit_value").fetchone()
    assert commitment(bytes(row[0]), row[1]) == kept


def test_the_same_value_has_another_commitment_each_time(role, clean_db):
    ask = "SELECT audit.keep_value('x', 'a'), audit.keep_value('x', 'a')"
    first, second = role("owner").execute(ask).fetchone()
    assert first != second


def test_what_is_there_is_whole(kept):
    assert faults() == []


def test_a_value_is_read_by_its_entry(kept):
    assert values.of({"values": {"said": kept}}) == [values.Kept("said", kept, "rm /etc/x")]


def test_what_was_redacted_is_gone(role, kept):
    redact(role, kept)
    row = role("app").execute("SELECT salt, value FROM audit_value").fetchone()
    assert row == (None, None)


def test_a_redaction_is_no_damage_before_its_entry_is_written(role, kept):
    redact(role, kept)
    assert faults() == []


def test_a_redaction_is_no_damage(role, kept):
    redact(role, kept)
    record(role)
    assert (faults(), verification.check().whole) == ([], True)


def test_a_second_redaction_says_that_there_is_nothing(role, kept):
    assert [redact(role, kept), redact(role, kept)] == [True, False]


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", " ")])
def test_nobody_redacts_without_name_and_reason(role, kept, by, why):
    with pytest.raises(psycopg.errors.CheckViolation):
        role("app").execute("SELECT gate.redact(%s, %s, %s)", [kept, by, why])


@pytest.mark.parametrize("name", ["agent", "executor", "audit_writer"])
def test_other_roles_neither_read_nor_redact(role, kept, name):
    for statement in ("SELECT value FROM audit_value", "SELECT gate.redact('x', 'a', 'b')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role(name).execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_value SET value = 'y'",
        "UPDATE audit_value SET salt = NULL, value = NULL, emptied_at = now(), about = 'z'",
        "DELETE FROM audit_value",
        "TRUNCATE audit_value",
    ],
)
def test_even_the_owner_changes_no_value(role, kept, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("owner").execute(statement)


def test_a_value_that_was_edited_is_found(servers, database_name, kept):
    by_force(servers, database_name, "UPDATE audit_value SET value = 'ls'")
    assert faults() == ["#1: its value said is not the one it commits to"]


def test_a_value_that_is_gone_without_a_tombstone_is_found(servers, database_name, kept):
    by_force(servers, database_name, "DELETE FROM audit_value")
    assert faults() == ["#1: its value said is gone, and no entry says who took it away"]


def test_a_value_that_was_emptied_without_a_tombstone_is_found(role, kept):
    role("owner").execute("UPDATE audit_value SET salt = NULL, value = NULL, emptied_at = now()")
    assert faults() == ["#1: its value said is gone, and no entry says who took it away"]
