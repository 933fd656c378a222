"""A ledger that has lived: a value redacted, old bytes pruned, a key changed, a new epoch begun.

Everything of it stays provable, in the database and on a machine without it; and what was done
without saying so is found in both.
"""

import json
from argparse import Namespace

import pytest
from django.db import connections

from audit import verify
from audit.checkpointer import rotate
from audit.ledger import bundles, entries, exports, pending, verification
from audit.ledger.logkeys import KeyFile
from audit.recorder import Recorder
from tests.doubles.recording import sign_heads, write_down


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "ledger" / "log.key")


@pytest.fixture
def on(role, keys):
    """Record what waits and sign it, under the name that the log has by then."""

    link, signer = role("audit_writer"), role("audit_signer")

    def write():
        write_down(link)
        sign_heads(signer, keys)

    return write


@pytest.fixture
def lived(role, on, keys, clean_db):
    """Returns the first key of the log, and the digest of what was redacted."""
    owner, app = role("owner"), role("app")
    digest = owner.execute("SELECT audit.keep_value('a name', 'run-1')").fetchone()[0]
    for number in range(300):
        pending.note(kind="person.noted", subject=str(number), body={"n": number})
    said = {"values": {"said": digest}}
    owner.execute(
        "SELECT audit.put_pending('action.done', 'run-1', 'INC-1', %s)", [json.dumps(said)]
    )
    on()
    first = keys.read().key.vkey
    app.execute("SELECT gate.redact(%s, 'ada', 'a name')", [digest])
    app.execute("SELECT audit.declare_pruning(1, 100, 'old', 0, %s, 'ada', 'old')", ["ab" * 32])
    on()
    rotate(keys)
    on()
    assert owner.execute("SELECT audit.prune(1000)").fetchone()[0] > 90
    epoch = app.execute("SELECT audit.declare_epoch('ada', 'restored', 0, '')").fetchone()[0]
    link = role("audit_writer")
    Recorder("").record(link, entries.head().origin)
    rotate(keys, f"ethops/{epoch}")
    pending.note(kind="person.noted", subject="after", body={})
    on()
    on()
    yield first, digest
    connections.close_all()


def offline(tmp_path, key):
    file = tmp_path / "export"
    file.unlink(missing_ok=True)
    file.write_text("\n".join(exports.lines()))
    return verify.main([str(file), "--key", key])


def test_it_verifies_in_the_database(lived):
    assert verification.check().findings == []


def test_it_verifies_going_on_from_any_entry(lived):
    found = [verification.check(since=n).findings for n in (1, 50, 100, 256, 301, 303)]
    assert found == [[]] * 6


def test_it_verifies_offline_by_its_first_key(lived, tmp_path):
    assert offline(tmp_path, lived[0]) == 0


def test_an_entry_from_before_it_all_is_proven_by_the_first_key(lived):
    pins = Namespace(key=lived[0], witness=[], quorum=0, head=[])
    report = verify.File(bundles.of_ticket("INC-1"), pins).bundle()
    assert (report.whole, report.entries) == (True, 1)


SILENT = {
    "a value deleted": ("audit_value", "DELETE FROM audit_value", True),
    "bytes pruned beyond what was said": (
        "audit_entry", ("UPDATE audit_entry SET body = sha256('\\x00'::bytea || body),"
        " kind = 'pruned', subject = '', ticket_ref = '' WHERE seq = 150"), False,
    ),
    "the entry about pruning gone": (
        "audit_entry", ("UPDATE audit_entry SET body = sha256('\\x00'::bytea || body),"
        " kind = 'pruned', subject = '', ticket_ref = '' WHERE kind = 'ledger.pruned'"), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "statement", "whole"), SILENT.values(), ids=SILENT.keys())
def test_what_is_done_without_a_word_is_found_on_both_sides(
    lived, tamper, tmp_path, table, statement, whole
):
    tamper(table, statement)
    # A redacted value that is gone altogether has its tombstone all the same.
    assert verification.check().whole is whole
    assert (offline(tmp_path, lived[0]) == 0) is whole


def test_a_name_that_no_epoch_gave_is_found(lived, tamper):
    tamper("audit_head", "UPDATE audit_head SET origin = gen_random_uuid()")
    assert not verification.check().whole
