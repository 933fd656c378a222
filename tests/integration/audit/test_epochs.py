"""A restored ledger goes on under a new name, said aloud."""

import json

import psycopg
import pytest
from django.db import connections

from audit.ledger import pending, retention
from audit.models import Entry
from audit.recorder import Recorder
from tests.doubles.recording import write_down


@pytest.fixture
def recorded(role, clean_db):
    """Record what waits, each batch under the name that the log has then."""

    def write():
        write_down(role("audit_writer"))
        return [json.loads(bytes(one.body)) for one in Entry.objects.order_by("seq")]

    yield write
    connections.close_all()


def note(name):
    pending.note(kind="person.noted", subject=name, body={})


def epoch():
    return str(
        retention.declare_epoch(by="ada", why="restored", known_size=99, known_root="ab" * 32)
    )


def test_the_log_has_its_new_name_after_the_entry_that_says_so(recorded):
    note("before")
    origin = epoch()
    note("after")
    names = [one["origin"] for one in recorded()]
    assert (names[0] == names[1], names[2]) == (True, origin)


def test_the_entry_names_what_was_known(recorded):
    note("before")
    recorded()
    epoch()
    said = recorded()[-1]["body"]
    assert (said["known_size"], said["known_root"], said["head_seq"]) == (99, "ab" * 32, 1)


def test_every_entry_s_name_can_be_told(role, recorded):
    note("before")
    origin = epoch()
    note("after")
    entries = recorded()
    told = [
        role("app").execute("SELECT audit.origin_after(%s)", [n]).fetchone()[0] for n in range(3)
    ]
    assert told == [entries[0]["origin"], entries[0]["origin"], origin]


def test_who_built_bytes_under_the_old_name_builds_them_again(role, recorded):
    link = role("audit_writer")
    old = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
    origin = epoch()
    recorded()
    note("after")
    Recorder("").record(link, old)
    assert [one["origin"] for one in recorded()][-1] == origin


def test_what_may_be_claimed_is_stamped_anew(role, recorded):
    owner = role("owner")
    owner.execute(
        "INSERT INTO audit_work (kind, queue, state, entry_seq, entry_lsn)"
        " VALUES ('effect', 'executor.light', 'ready', 1, 'FFFFFFFF/0')"
    )
    epoch()
    recorded()
    fit = owner.execute("SELECT entry_lsn <= pg_current_wal_flush_lsn() FROM audit_work").fetchone()
    assert fit == (True,)


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", "")])
def test_only_a_named_person_declares_with_a_reason(role, clean_db, by, why):
    with pytest.raises(psycopg.errors.CheckViolation):
        role("app").execute("SELECT audit.declare_epoch(%s, %s, 1, '')", [by, why])


@pytest.mark.parametrize("code", ["rolled_back", "forked", "chain_short"])
def test_a_shorter_ledger_that_nobody_declared_is_damage(role, clean_db, code):
    role("audit_signer").execute("SELECT audit.signing_stands('refused', %s, 'shorter')", [code])
    damage = role("app").execute("SELECT findings FROM audit.damage()").fetchone()
    assert damage == (["signer: shorter"],)


def test_a_signer_without_room_is_no_damage(role, clean_db):
    role("audit_signer").execute(
        "SELECT audit.signing_stands('refused', 'signed_unwritable', 'full')"
    )
    assert role("app").execute("SELECT audit.trusted()").fetchone() == (True,)
