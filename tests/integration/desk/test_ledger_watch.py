"""The desk's watch over the ledger."""

from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from adapters import registry
from adapters.tickets.port import Vouched
from audit.ledger import pending, trust, verification
from audit.ledger.notes import Kind, Signer
from audit.recorder import Recorder
from ethops.desk import ledger
from ethops.executor import tickets

OPERATOR = Vouched(frozenset({"operator"}))


@pytest.fixture
def record(role, clean_db):
    """`record(n)`: n facts become entries."""
    writer = role("audit_writer")
    origin = str(writer.execute("SELECT origin FROM audit.head()").fetchone()[0])

    def write(count):
        for number in range(count):
            pending.note(kind="person.noted", subject=str(number), body={})
        Recorder("").record(writer, origin)

    return write


def open_titles():
    with connection.cursor() as cursor:
        cursor.execute("SELECT title, state FROM tickets_ticket")
        return cursor.fetchall()


@pytest.fixture
def watch(verify):
    """`watch()`: the ledger is verified, and the desk looks at what was found."""

    def look():
        verify(verification.look)
        ledger.watch()

    return look


def test_a_whole_ledger_is_no_incident(record, watch):
    record(3)
    watch()
    assert open_titles() == []


def test_a_second_look_reads_what_has_come_since(record, verify):
    record(3)
    verify(verification.look)
    record(2)
    verify(verification.look)
    assert verification.latest().since == 3


def test_all_is_read_again_a_day_later(record, verify, role):
    record(3)
    verify(verification.look)
    role("owner").execute("UPDATE audit_check SET at = at - interval '25 hours'")
    verify(verification.look)
    assert verification.latest().since == 0


def test_a_broken_ledger_is_one_incident_for_a_person(record, servers, database_name, watch):
    record(3)
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        evil.execute("DELETE FROM audit_entry WHERE seq = 2")
        evil.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    for _ in range(2):
        watch()
    assert open_titles() == [("The ledger is broken", "escalated")]


def test_a_ledger_that_breaks_again_is_another_incident(record, servers, database_name, watch):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        for _ in range(2):
            record(1)
            evil.execute("UPDATE audit_entry SET kind = 'x'")
            watch()
            evil.execute(
                "UPDATE audit_entry SET kind = convert_from(body, 'UTF8')::json ->> 'kind'"
            )
            watch()
            if found := registry.reader("tickets").find_open_by_cause("ledger:broken"):
                tickets.move_by_person(
                    key=uuid4(),
                    ref=found.ref,
                    person="ada",
                    stimulus="ev_resolve",
                    fields={"solution": "restored"},
                    vouched=OPERATOR,
                )
        evil.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    assert open_titles() == [("The ledger is broken", "resolved")] * 2


def test_a_broken_ledger_stays_broken_however_often_it_is_checked(
    record, verify, servers, database_name
):
    record(3)
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as evil:
        evil.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        evil.execute("UPDATE audit_entry SET kind = 'x' WHERE seq = 1")
        evil.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    assert [verify(verification.look).whole for _ in range(2)] == [False, False]


def refuse(role):
    role("audit_signer").execute("SELECT audit.signing_stands('refused', 'rolled_back', 'older')")


def test_what_its_signer_refuses_is_an_incident(record, role, watch):
    record(3)
    refuse(role)
    watch()
    assert open_titles() == [("The ledger is broken", "escalated")]


def test_what_a_person_knows_of_is_no_incident(record, role, watch):
    record(3)
    refuse(role)
    trust.acknowledge(by="ada", why="restored on purpose")
    watch()
    assert open_titles() == []


@pytest.fixture
def witness(role):
    role("owner").execute(
        "INSERT INTO audit_witness (name, vkey, url, administrator) VALUES ('w', %s, '', 'ada')",
        [Signer.new("w", Kind.COSIGNATURE).key.vkey],
    )
    return lambda state: role("witness").execute(
        "SELECT audit.witness_stands('w', %s, 'what it says')", [state]
    )


@pytest.mark.parametrize("state", ["ahead", "refuses"])
def test_a_witness_that_does_not_agree_is_one_incident(record, witness, state, watch):
    record(1)
    witness(state)
    for _ in range(2):
        watch()
    assert open_titles() == [("A witness does not agree with the ledger", "escalated")]


@pytest.mark.parametrize("state", ["new", "well", "away"])
def test_a_witness_that_is_only_away_is_none(record, witness, state, watch):
    record(1)
    witness(state)
    watch()
    assert open_titles() == []
