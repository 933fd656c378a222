"""A database restored from a backup: seen, stopped, declared, and gone on from."""

import threading
import time

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from audit.checkpointer import Checkpointer
from audit.ledger import exports, pending, trust, verification
from audit.ledger.logkeys import KeyFile
from audit.models import Entry, Signing, TreeHead
from tests.doubles.recording import write_down


@pytest.fixture
def house(clean_db, servers, database_name, tmp_path, monkeypatch):
    """A ledger with its signer's state outside of it."""
    monkeypatch.setenv("ETHOPS_STATE", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", servers.dsn("ethops_app", database_name))
    made = House(servers, database_name, KeyFile(tmp_path / "ledger" / "log.key"))
    yield made
    connections.close_all()
    servers.drop(made.backup)


class House:
    """Backups, and processes that are there for as long as they are needed."""

    def __init__(self, servers, name, keys):
        self.servers, self.name, self.keys = servers, name, keys
        self.backup = f"{name}_backup"

    def write(self, *subjects):
        """Record facts about these, or what waits."""
        for subject in subjects:
            pending.note(kind="person.noted", subject=subject, body={})
        with psycopg.connect(
            self.servers.dsn("ethops_audit_writer", self.name), autocommit=True
        ) as link:
            write_down(link)

    def sign_until(self, so):
        """Let the signer work until something is so."""
        signer = Checkpointer(self.servers.dsn("ethops_audit_signer", self.name), self.keys)
        thread = threading.Thread(target=signer.run)
        thread.start()
        try:
            end = time.monotonic() + 60
            while not so():
                assert time.monotonic() < end, Signing.objects.values()
                time.sleep(0.05)
        finally:
            signer.stop()
            thread.join()

    def copy(self, source, target):
        """Make one database a copy of another."""
        connections.close_all()
        self.servers.clone(source, target)


def signed():
    newest = TreeHead.objects.order_by("-size").first()
    return newest is not None and newest.size == Entry.objects.count()


def refused():
    return Signing.objects.filter(state="refused", code="rolled_back").exists()


@pytest.fixture
def restored(house):
    """The database is older than what was signed."""
    house.write("1", "2", "3")
    house.sign_until(signed)
    house.write()
    house.copy(house.name, house.backup)
    house.write("4", "5")
    house.sign_until(signed)
    house.copy(house.backup, house.name)
    return house


def test_a_restored_ledger_is_whole_in_itself(restored):
    # Which is why it takes something outside to see it.
    assert verification.check().whole


def test_its_signer_refuses_and_nothing_risky_begins(restored):
    restored.sign_until(refused)
    damage = trust.damage()
    assert damage is not None
    assert "Declare a new epoch" in damage.findings[0]


def test_a_declared_epoch_goes_on_and_stays_whole(restored, verify):
    restored.sign_until(refused)
    call_command("ledger", "epoch", "--by", "ada", "--why", "the disk broke")
    restored.write("after")
    restored.sign_until(signed)
    restored.write()
    found = verify()
    assert (found.findings, trust.damage()) == ([], None)


def test_the_epoch_names_what_was_lost(restored):
    known = restored.keys.last_signed()
    call_command("ledger", "epoch", "--by", "ada", "--why", "the disk broke")
    restored.write("after")
    said = [line for line in exports.lines() if '"ledger.epoch"' in line]
    body = Entry.objects.get(kind="ledger.epoch").body
    assert (len(said), known.root.hex() in bytes(body).decode()) == (1, True)
