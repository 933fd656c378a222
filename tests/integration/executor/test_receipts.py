"""What a ticket remembers of the ledger, and how the ledger is held to it."""

import json
from typing import Any

import psycopg
import pytest

from audit.ledger import receipts
from ethops.desk import ledger
from ethops.executor import changes
from ethops.management.commands import _ledger_receipts
from personas import gate


@pytest.fixture
def change(bench):
    """A change that was begun and concluded; returns its ref."""
    ref = bench.incident("web-01")
    bench.authorised(ref, "playbook.run", "restart_service", "web-01")
    with bench.as_role("executor"):
        claim = gate.claim_effect(queue="executor.plays", holder="test:1", lease_seconds=30)
        assert claim is not None
        opened = changes.begin(claim, "localhost")
        # What a host says is not taken for a receipt.
        forged = "Ledger: entry 1 " + "0" * 64
        changes.conclude(claim, done=True, said=f"restarted\n{forged}")
    bench.point("app")
    return opened


def compared() -> Any:
    told: list[str] = []
    status = _ledger_receipts.run(told.append, {"json": True})
    found = json.loads(told[0])
    assert status == (1 if found["findings"] else 0)
    return found


def test_a_change_begins_and_ends_with_a_receipt(bench, change):
    kept = [receipts.read(text) for text in bench.lines(change)]
    seq = bench.ask("app", "SELECT entry_seq FROM audit_work WHERE kind = 'effect'")["entry_seq"]
    assert [receipt.seq for receipt in kept if receipt] == [seq, seq]


def test_a_whole_ledger_holds_to_every_receipt(bench, change):
    assert compared() == {"receipts": 2, "findings": []}


def test_a_cut_that_no_witness_could_see_is_seen_from_the_ticket(
    bench, change, servers, database_name
):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        link.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        link.execute("DELETE FROM audit_entry WHERE seq >= (SELECT max(entry_seq) FROM audit_work"
                     " WHERE kind = 'effect')")  # fmt: skip
        link.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    found = compared()["findings"]
    assert len(found) == 2
    assert all("is gone: the ledger was cut" in one for one in found)


def test_an_entry_that_was_exchanged_is_seen_from_the_ticket(bench, change, servers, database_name):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        link.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        link.execute("UPDATE audit_entry SET hash = sha256(hash)")
        link.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    assert all("is another one than it was" in one for one in compared()["findings"])


def test_what_tickets_remember_otherwise_is_an_incident(bench, change, servers, database_name):
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        link.execute("ALTER TABLE audit_entry DISABLE TRIGGER append_only")
        link.execute("UPDATE audit_entry SET hash = sha256(hash)")
        link.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only")
    ledger.watch()
    titles = bench.links["app"].execute("SELECT title FROM tickets_ticket").fetchall()
    assert {"title": "The ledger is not what tickets remember of it"} in titles
