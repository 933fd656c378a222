"""Our tree heads signed elsewhere: by several, by dead ones, by such as know better."""

import json
import random
import subprocess
import sys

import psycopg
import pytest

from audit.anchoring import declared
from audit.ledger.notes import Signer
from ethops.env import CLONE
from tests.doubles import anchors
from tests.integration.audit.conftest import Ledger, wait_for

pytestmark = pytest.mark.processes


def test_every_tree_head_is_signed_by_every_witness(ledger) -> None:
    for name, administrator in (("host/w1", "ada"), ("host/w2", "grace")):
        ledger.witness(name, administrator)
    for name in ledger.witnesses:
        ledger.wait_until(name, "well", ledger.size())
        assert ledger.signed(name, ledger.stands(name)["size"])


def test_a_witness_follows_a_ledger_that_grows(ledger) -> None:
    ledger.witness("host/w1", "ada")
    first = ledger.wait_until("host/w1", "well", 1)["size"]
    ledger.grow(300)
    ledger.wait_until("host/w1", "well", first + 300)
    assert ledger.signed("host/w1", ledger.stands("host/w1")["size"])


def test_a_dead_witness_is_said_to_be_away(ledger) -> None:
    ledger.witness("host/w1", "ada", start=False)
    assert ledger.wait_until("host/w1", "away")["said"].startswith("it cannot be reached (")


def test_a_dead_witness_does_not_keep_the_others(ledger) -> None:
    ledger.witness("host/dead", "ada", start=False)
    ledger.witness("host/w2", "grace")
    ledger.wait_until("host/w2", "well", ledger.size())


def test_a_witness_that_comes_back_signs_again_by_itself(ledger) -> None:
    witness = ledger.witness("host/w1", "ada")
    ledger.wait_until("host/w1", "well", 1)
    witness.kill()
    ledger.grow()
    ledger.wait_until("host/w1", "away")
    witness.start()
    found = ledger.wait_until("host/w1", "well", ledger.size())
    assert found["said"] == ""


def test_a_witness_that_does_not_know_us_refuses(ledger) -> None:
    ledger.witness("host/w1", "ada", Signer.new("example.com/other").key.vkey)
    assert "does not know this log" in ledger.wait_until("host/w1", "refuses")["said"]


def test_a_witness_that_lost_its_state_and_made_a_new_key_counts_as_away(ledger) -> None:
    witness = ledger.witness("host/w1", "ada")
    # A head that is still to come would be shown to it while it is down.
    ledger.at_rest("host/w1")
    witness.kill()
    for name in ("state.json", "state.json.key"):
        witness.state.with_name(name).unlink()
    witness.start()
    ledger.grow()
    assert "another key" in ledger.wait_until("host/w1", "away")["said"]


def test_tree_heads_are_anchored_where_it_is_declared(ledger) -> None:
    tsa = anchors.Tsa()
    with anchors.served(tsa.answer) as tsa_url, anchors.served(anchors.calendar) as calendar_url:
        repository = ledger.folder / "anchors.git"
        said = {
            "git": {"repository": str(repository), "branch": "main", "every_seconds": 1},
            "rfc3161": {"url": tsa_url, "certificates": tsa.roots, "every_seconds": 1},
            "opentimestamps": {"calendars": [calendar_url], "every_seconds": 1},
        }
        ledger.link("owner").execute("UPDATE audit_witnessing SET anchors = %s", [json.dumps(said)])
        receipts = "SELECT a.kind, a.receipt, h.note FROM audit_anchor a JOIN audit_treehead h"

        def kept():
            return {row["kind"]: row for row in ledger.ask("app", f"{receipts} USING (size)")}

        # One that is quick may have two before another has its first.
        found = wait_for(lambda: rows if len(rows := kept()) == 3 else None)
    for anchor in declared(said):
        row = found[anchor.kind]
        assert anchor.holds(row["note"], bytes(row["receipt"]))


def test_an_anchor_that_is_away_does_not_keep_the_witnesses(ledger) -> None:
    said = {"opentimestamps": {"calendars": ["http://127.0.0.1:9"], "every_seconds": 1}}
    ledger.link("owner").execute("UPDATE audit_witnessing SET anchors = %s", [json.dumps(said)])
    ledger.witness("host/w1", "ada")
    ledger.wait_until("host/w1", "well", ledger.size())
    assert ledger.ask("app", "SELECT * FROM audit_anchor") == []


def grown(ledger: Ledger, count: int) -> int:
    """Let the ledger grow, and return the size of a tree head over all of it."""
    wanted = ledger.size() + count
    ledger.grow(count)
    wait_for(lambda: ledger.size() >= wanted)
    return wanted


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_kills_on_both_sides_lose_nothing_that_was_signed(ledger, start_process, seed) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that repeats
    witness = ledger.witness("host/w1", "ada")
    ours = start_process("witnessing")  # a second one by accident does no harm
    ledger.wait_until("host/w1", "well", 1)
    for _ in range(6):
        grown(ledger, dice.randrange(1, 40))
        if dice.random() < 0.5:
            witness.kill()
            witness.start()
        else:
            ours.kill()
            ours.wait()
            ours = start_process("witnessing")
    ledger.wait_until("host/w1", "well", grown(ledger, 1))
    rows = ledger.ask("app", "SELECT size FROM audit_cosignature")
    assert all(ledger.signed("host/w1", row["size"]) for row in rows)


def test_a_new_key_of_the_log_is_refused_until_the_witness_is_told(
    ledger, start_process, tmp_path
) -> None:
    witness = ledger.witness("host/w1", "ada")
    ledger.wait_until("host/w1", "well", 1)
    key = next(tmp_path.rglob("*.signed")).with_suffix("")
    done = subprocess.run(
        [sys.executable, "-m", "audit.checkpointer", "--rotate", "--key", str(key)],
        cwd=CLONE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ledger.grow()
    keys = wait_for(
        lambda: (
            found
            if len(found := ledger.ask("app", "SELECT vkey FROM audit_logkey ORDER BY n")) == 2
            else None
        )
    )
    ledger.grow()
    assert "does not know the key" in ledger.wait_until("host/w1", "refuses")["said"]
    witness.kill()
    witness.logs = [row["vkey"] for row in keys]
    witness.start()
    ledger.wait_until("host/w1", "well", ledger.size())


def cut(ledger, servers, database_name, size) -> None:
    """Do as a superuser does who cuts the ledger and everything that was signed of it."""
    with psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link:
        guards = link.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled = 'A'"
        ).fetchall()
        for table, name in guards:
            link.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        link.execute("DELETE FROM audit_entry WHERE seq > %s", [size])
        link.execute("DELETE FROM audit_treehead WHERE size > %s", [size])
        link.execute("DELETE FROM audit_cosignature WHERE size > %s", [size])
        link.execute("UPDATE audit_tile SET hashes = substr(hashes, 1, 32 * %s)", [size])
        link.execute("UPDATE audit_witness SET size = %s, state = 'new'", [size])
        link.execute(
            "UPDATE audit_head SET seq = %s, hash = (SELECT hash FROM audit_entry WHERE seq = %s)",
            [size, size],
        )
        for table, name in guards:
            link.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def test_a_ledger_that_was_cut_after_it_was_witnessed_is_seen(role, start_process, servers,
        database_name, tmp_path) -> None:  # fmt: skip
    ledger = Ledger(role, start_process, tmp_path)
    ours = [start_process(name) for name in ("recorder", "checkpointer", "witnessing")]
    ledger.grow()
    witness = ledger.witness("host/w1", "ada")
    short = ledger.wait_until("host/w1", "well", 1)["size"]
    ledger.grow(20)
    long = ledger.at_rest("host/w1")
    for process in ours:
        process.kill()
        process.wait()
    cut(ledger, servers, database_name, short)
    start_process("witnessing")
    found = ledger.wait_until("host/w1", "ahead")
    assert found["said"] == (
        f"the ledger is shorter than what was witnessed: {long} entries there, {short} here"
    )
    witness.close()
