"""Durable append through the product's own path, against a plain insert.

    python -m tests.bench.ledger_append

Eight writers. A plain writer inserts an effect and a row of a table with the columns and indexes of
the ledger's, without any proof, and commits; its commit is its barrier, and concurrent commits
share flushes as PostgreSQL does it. A writer of ours inserts an effect and its fact in one
transaction, as the gate does for an agent (asynchronously: nothing rests on it before the stamp);
it is done once the recorder has appended the entry and stamped the work, and the stamp is flushed:
once an executor could claim it. All take turns within one run, so that a slow moment of the machine
meets all.

Readings of the one bar, each said by its name:

- *Durable when it returns* is how people and rules write: effect and fact are on disk when their
  commit returns, and nothing they then hear is lost, whatever crashes. The recorder works beside
  them, and the clock stops when the last of them is stamped, so that no debt is left to it.
- *One call each*: eight callers that append and wait within one call to the database, as the
  prototype was measured (the call looks twice a millisecond whether its work is stamped, and
  that is its cost). The prototype's callers appended in their own session; here a process of its
  own does, and each entry pays for being handed over and back.
- *The same with a flush 2 ms longer* is that on a disk such as the prototype had (0.4 to 3.6 ms a
  flush), by `commit_delay`: who flushes sleeps first, and who comes meanwhile gets in, on both
  sides. It says how much of the first reading is this machine's disk, and is not a figure of it.
- *One in hand each, told as a worker is*: a LISTEN and one query for all eight. It is harsher than
  the prototype's: five changes of process more for each entry.
- *16 in hand each* is what agents do: they ask and go on. How long one takes is then mostly the
  127 others, so that its p99 is shown and compares with nothing that waits for itself.

A bare row (a key and the bytes) is shown beside. CPU per entry is shown, since on few cores that is
the bound, and not the disk; and what a flush takes just before.
"""

import json
import os
import queue
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import psutil
import psycopg

from tests.bench.figures import Figure, percentile, spread
from tests.doubles.database import OwnDatabase, own_database
from tests.waiting import eventually

WRITERS = 8
IN_HAND = 16
TURNS = 4
TURN_SECONDS = 3.0
LONGER_FLUSH_US = 2000
Write: TypeAlias = Callable[[psycopg.Connection, str], threading.Event]
"""Writes, and returns what is set once it is durable."""

DONE = threading.Event()
DONE.set()
BODY = {"verb": "ticket.comment", "target": "INC-1", "text": "x" * 200}

PUT = """
    WITH w AS (
        INSERT INTO public.audit_work (id, kind, queue, state)
        VALUES (%s, 'effect', 'executor.light', 'waiting') RETURNING id)
    SELECT audit.put_pending('action.authorised', %s, 'INC-1', %s::jsonb, w.id) FROM w
"""
PLAIN = """
    WITH w AS (
        INSERT INTO public.audit_work (id, kind, queue, state)
        VALUES (%s, 'effect', 'executor.light', 'ready') RETURNING id)
    INSERT INTO public.bench_audit (seq, prev, hash, body, kind, subject, ticket_ref, at)
    SELECT nextval('public.bench_seq'), '', '', convert_to(%s, 'UTF8'), 'action.authorised',
           w.id::text, 'INC-1', clock_timestamp() FROM w
"""
TABLES = """
    CREATE TABLE public.bench_plain (id uuid PRIMARY KEY, body jsonb NOT NULL);
    CREATE TABLE public.bench_audit (LIKE public.audit_entry INCLUDING ALL);
    CREATE SEQUENCE public.bench_seq
"""
ONE_CALL = """
    CREATE PROCEDURE public.bench_append(p_id uuid, p_body jsonb) LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.audit_work (id, kind, queue, state)
        VALUES (p_id, 'effect', 'executor.light', 'waiting');
        PERFORM audit.put_pending('action.authorised', p_id::text, 'INC-1', p_body, p_id);
        COMMIT;
        LOOP
            PERFORM pg_sleep(0.0005);
            EXIT WHEN EXISTS (
                SELECT 1 FROM public.audit_work
                 WHERE id = p_id AND entry_lsn <= pg_current_wal_flush_lsn());
            COMMIT;
        END LOOP;
    END $$
"""
STAMPED = """
    SELECT id FROM public.audit_work
     WHERE id = ANY(%s) AND entry_lsn <= pg_current_wal_flush_lsn()
"""


OWED = """
    SELECT EXISTS (SELECT 1 FROM public.audit_pending)
        OR EXISTS (SELECT 1 FROM public.audit_work WHERE state = 'waiting')
"""


@dataclass
class Turns:
    """How many were done in which time, and how long each took in milliseconds."""

    done: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    each: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.done / self.seconds


class Stamps:
    """Tells waiting writers that their work could be claimed: one listener for all."""

    def __init__(self, database: OwnDatabase) -> None:
        self._link = database.connect_freely()
        self._link.execute("LISTEN ethops_ready")
        self._link.execute("SET plan_cache_mode = force_generic_plan")
        self._waiting: dict[uuid.UUID, threading.Event] = {}
        self._new: queue.SimpleQueue[tuple[uuid.UUID, threading.Event]] = queue.SimpleQueue()
        self._going = True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def expect(self, work: uuid.UUID) -> threading.Event:
        """Return what will be set once this work is stamped and flushed."""
        event = threading.Event()
        self._new.put((work, event))
        return event

    def stop(self) -> None:
        """End the listener."""
        self._going = False
        self._thread.join()
        self._link.close()

    def _watch(self) -> None:
        while self._going:
            for _ in self._link.notifies(timeout=0.1, stop_after=1):
                pass
            while not self._new.empty():
                work, event = self._new.get()
                self._waiting[work] = event
            if self._waiting:
                for (work,) in self._link.execute(
                    STAMPED, [list(self._waiting)], prepare=True, binary=True
                ).fetchall():
                    self._waiting.pop(work).set()


def unproven(link: psycopg.Connection, text: str) -> threading.Event:
    """Insert an effect and its row of an audit table without any proof; its commit is durable."""
    link.execute(PLAIN, [uuid.uuid4(), text])
    return DONE


def bare(link: psycopg.Connection, text: str) -> threading.Event:
    """Insert one row; its commit is durable."""
    link.execute("INSERT INTO public.bench_plain (id, body) VALUES (%s, %s)", [uuid.uuid4(), text])
    return DONE


def in_one_call(link: psycopg.Connection, text: str) -> threading.Event:
    """Ask, and return when it could be claimed."""
    link.execute("CALL public.bench_append(%s, %s::jsonb)", [uuid.uuid4(), text])
    return DONE


def durably(link: psycopg.Connection, text: str) -> threading.Event:
    """Write an effect and its fact; its commit is durable, and the recorder comes to it."""
    work = uuid.uuid4()
    link.execute(PUT, [work, str(work), text])
    return DONE


def recorded(stamps: Stamps) -> Write:
    """Return the writer through pending, recorder and stamp."""

    def put(link: psycopg.Connection, text: str) -> threading.Event:
        work = uuid.uuid4()
        stamped = stamps.expect(work)
        link.execute(PUT, [work, str(work), text])
        return stamped

    return put


def turn(links: list[psycopg.Connection], write: Write, kept: Turns, *, in_hand: int = 1) -> None:
    """Let all writers write for a while, each with so many things in hand at once."""
    text, end = json.dumps(BODY), time.monotonic() + TURN_SECONDS
    lock = threading.Lock()

    def work(link: psycopg.Connection) -> None:
        hand: deque[tuple[float, threading.Event]] = deque()
        each = []
        while hand or time.monotonic() < end:
            if len(hand) < in_hand and time.monotonic() < end:
                began = time.perf_counter()
                hand.append((began, write(link, text)))
                if len(hand) < in_hand:
                    continue
            if not hand:
                break
            began, done = hand.popleft()
            if not done.wait(30):
                raise TimeoutError("a fact was not recorded within 30 s")
            each.append(1000 * (time.perf_counter() - began))
        with lock:
            kept.each += each
            kept.done += len(each)

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=[link]) for link in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.seconds += time.monotonic() - began


def turn_until_stamped(links: list[psycopg.Connection], kept: Turns) -> None:
    """Let all writers write for a while, and wait until the last of it could be claimed."""
    turn(links, durably, kept)
    began = time.monotonic()
    eventually(
        lambda: links[0].execute(OWED).fetchone() == (False,), 30, "the recorder does not keep up"
    )
    kept.seconds += time.monotonic() - began


def measure() -> list[Figure]:
    """Take turns, and compare."""
    with own_database() as database:
        with database.connect("owner") as owner:
            owner.execute(TABLES)
        recorder = psutil.Process(database.start("audit.recorder", "recorder").pid)
        servers = psutil.Process(database.process.pid)
        with database.connect_freely() as link:
            link.execute(ONE_CALL)
        links, asking = (
            [database.connect_freely() for _ in range(WRITERS)] for _ in ("plain", "ours")
        )
        for link in asking:
            link.execute("SET synchronous_commit = off")  # as audit.put_pending does for an agent
        stamps = Stamps(database)
        row, floor, owed, ours, told, shared, slow_floor, slow = (Turns() for _ in range(8))
        flush = _flushes(database.layout.state)
        try:
            turn(asking, recorded(stamps), Turns())  # connections, caches
            for _ in range(TURNS):
                _timed(servers, recorder, row, lambda: turn(links, bare, row))
                _timed(servers, recorder, floor, lambda: turn(links, unproven, floor))
                _timed(servers, recorder, owed, lambda: turn_until_stamped(links, owed))
                _timed(servers, recorder, ours, lambda: turn(asking, in_one_call, ours))
                _timed(servers, recorder, told, lambda: turn(asking, recorded(stamps), told))
                _timed(
                    servers, recorder, shared,
                    lambda: turn(asking, recorded(stamps), shared, in_hand=IN_HAND),
                )  # fmt: skip
                _flush_takes_longer(links[0], LONGER_FLUSH_US)
                _timed(servers, recorder, slow_floor, lambda: turn(links, unproven, slow_floor))
                _timed(servers, recorder, slow, lambda: turn(asking, in_one_call, slow))
                _flush_takes_longer(links[0], 0)
        finally:
            stamps.stop()
            for link in [*links, *asking]:
                link.close()
    return [
        *_compared("durable when it returns", owed, floor, row),
        *_compared("one call each", ours, floor, row),
        *_compared("one in hand each, told as a worker is", told, floor, row),
        *_compared(f"{IN_HAND} in hand each", shared, floor, row),
        Figure("... plain insert of effect and audit row", _said(floor)),
        Figure("... plain insert of one bare row", _said(row)),
        *_compared(f"one call, a flush {LONGER_FLUSH_US // 1000} ms longer", slow, slow_floor),
        Figure("... plain insert of effect and audit row", _said(slow_floor)),
        Figure("... one flush of 8 kB on this disk, before", spread(flush, 2)),
    ]


def _compared(how: str, ours: Turns, floor: Turns, row: Turns | None = None) -> list[Figure]:
    of_row = f", of one bare row {ours.rate / row.rate:.2f}x" if row else ""
    late = percentile(ours.each, 0.99) / percentile(floor.each, 0.99)
    return [
        Figure(f"durable append, {WRITERS} writers, {how}: of a plain insert of the same",
               f"{ours.rate / floor.rate:.2f}x{of_row}", "0.65x"),
        Figure("... p99 of the one to p99 of the other", f"{late:.1f}x", "2.5x"),
        Figure("... fact to claimable", _said(ours)),
    ]  # fmt: skip


def _flush_takes_longer(link: psycopg.Connection, microseconds: int) -> None:
    """Let each flush of the log begin so much later, in all sessions."""
    link.execute("ALTER SYSTEM SET commit_siblings = 0")
    link.execute(f"ALTER SYSTEM SET commit_delay = {microseconds:d}")
    link.execute("SELECT pg_reload_conf()")


def _flushes(folder: Path) -> list[float]:
    """Return what each of some flushes took, in milliseconds."""
    path, took = folder / "flushed", []
    with path.open("wb") as stream:
        for _ in range(200):
            stream.write(bytes(8192))
            stream.flush()
            began = time.perf_counter()
            os.fdatasync(stream.fileno())
            took.append(1000 * (time.perf_counter() - began))
    path.unlink()
    return took


def _said(turns: Turns) -> str:
    cpu = f"CPU of server and recorder {1000 * turns.cpu / turns.done:.2f} ms each"
    return f"{turns.rate:.0f}/s, {spread(turns.each)}; {cpu}"


def _timed(
    servers: psutil.Process, recorder: psutil.Process, kept: Turns, act: Callable[[], None]
) -> None:
    before = _cpu(servers) + _cpu(recorder)
    act()
    kept.cpu += _cpu(servers) + _cpu(recorder) - before


def _cpu(process: psutil.Process) -> float:
    spent = 0.0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            spent += times.user + times.system
    return spent


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure.what:<66} {figure.found}   {figure.target}\n")
