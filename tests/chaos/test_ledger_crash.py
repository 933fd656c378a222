"""PostgreSQL stops at once, twenty times, under eight writers: nothing acknowledged is lost."""

import random
import threading
import time
import uuid
from contextlib import suppress

import psycopg
import pytest

from audit.ledger.chain import GENESIS, link
from audit.ledger.merkle import leaf_hash, root
from tests.chaos.evidence import verify_chain
from tests.doubles.database import own_database

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(600)]

WRITERS = 8
CRASHES = 20
DEADLINE_SECONDS = 60.0

PUT = """
    WITH w AS (
        INSERT INTO public.audit_work (id, kind, queue, state)
        VALUES (%s, 'effect', 'executor.light', 'waiting') RETURNING id)
    SELECT audit.put_pending('action.authorised', %s, 'INC-1', '{}', w.id) FROM w
"""
CLAIMABLE = """
    SELECT entry_seq FROM public.audit_work
     WHERE id = %s AND entry_lsn <= pg_current_wal_flush_lsn()
"""


class Writer(threading.Thread):
    """Asks, waits until an executor could claim it, and keeps what it was told."""

    def __init__(self, database, going):
        super().__init__()
        self._database, self._going = database, going
        self.acknowledged: dict[str, int] = {}

    def run(self):
        while self._going.is_set():
            with suppress(psycopg.OperationalError), self._database.connect_freely() as asked:
                asked.execute("SET synchronous_commit = off")
                while self._going.is_set():
                    self._ask(asked)
            time.sleep(0.02)

    def _ask(self, asked):
        work = uuid.uuid4()
        asked.execute(PUT, [work, str(work)])
        while self._going.is_set():
            row = asked.execute(CLAIMABLE, [work]).fetchone()
            if row is not None:
                self.acknowledged[str(work)] = row[0]
                return


def until(happened, what):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def evidence():
    """What was acknowledged, and what the ledger holds after all the crashes."""
    going, chance = threading.Event(), random.Random(28)  # noqa: S311 - moments, not secrets
    going.set()
    with own_database() as database:
        database.start("audit.recorder", "recorder")
        database.start("audit.checkpointer", "checkpointer")
        writers = [Writer(database, going) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(CRASHES):
                wanted = sum(len(one.acknowledged) for one in writers) + chance.randint(20, 60)
                until(lambda wanted=wanted: sum(len(one.acknowledged) for one in writers) >= wanted,
                      "writers go on")  # fmt: skip
                database.crash()
        finally:
            going.clear()
            for writer in writers:
                writer.join()
        with database.connect_freely() as looking:
            until(lambda: looking.execute(SETTLED).fetchone()[0], "the rest is recorded")
            entries = looking.execute(
                "SELECT seq, prev, hash, body, subject FROM audit_entry ORDER BY seq"
            ).fetchall()
            heads = looking.execute("SELECT size, root FROM audit_treehead").fetchall()
            report = verify_chain(looking)
    told = {work: seq for one in writers for work, seq in one.acknowledged.items()}
    return told, entries, heads, report


SETTLED = """
    SELECT NOT EXISTS (SELECT 1 FROM audit_pending)
       AND (SELECT max(size) FROM audit_treehead) = (SELECT seq FROM audit_head)
"""


def test_no_acknowledged_entry_is_lost(evidence):
    told, entries, _, _ = evidence
    kept = {subject: seq for seq, _, _, _, subject in entries}
    assert {work: kept.get(work) for work in told} == told


def test_enough_was_acknowledged_to_say_so(evidence):
    assert len(evidence[0]) >= 20 * CRASHES


def test_the_chain_has_no_break(evidence):
    _, entries, _, report = evidence
    prev = GENESIS
    for seq, (number, said, digest, body, _) in enumerate(entries, start=1):
        assert (number, said, digest) == (seq, prev, link(prev, body))
        prev = digest
    assert report.whole


def test_nothing_stands_in_it_twice(evidence):
    subjects = [subject for *_, subject in evidence[1]]
    assert len(set(subjects)) == len(subjects)


def test_every_signed_head_is_that_of_the_entries(evidence):
    _, entries, heads, _ = evidence
    leaves = [leaf_hash(body) for _, _, _, body, _ in entries]
    assert [bytes(top) for _, top in heads] == [root(leaves[:size]) for size, _ in heads]
