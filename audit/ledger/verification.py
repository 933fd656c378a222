"""Verification of the ledger in the database, by the same code that an auditor runs offline."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from audit.errors import NoProofError, NoteError, UnkeptError
from audit.ledger import heads, instances, merkle, pairing, tiles, times, values
from audit.ledger.chain import GENESIS
from audit.ledger.entries import Head, head, one_snapshot, origin_after, rows
from audit.ledger.logkeys import hands_over
from audit.ledger.notes import Key, TreeHead, open_note, parse_line, split, verify_lines
from audit.models import Check, Cosignature, Entry, LogKey, Witness
from audit.models import TreeHead as StoredHead
from audit.verify import ODD, Report, Walk

SHOWN_FINDINGS = 10
MOST_SIGNATURES = 2_000
"""Of the newest tree heads; the older ones were checked when they were new."""
TILES_AT_ONCE = 64

Tell: TypeAlias = Callable[[int, int], None]


def check(*, since: int = 0, key: str = "", tell: Tell = lambda _done, _all: None) -> Report:
    """Verify the entries after `since`, all of them from 0; `key` pins the log's key.

    Raises:
        NoProofError: there is no entry `since`.
    """
    with transaction.atomic():
        one_snapshot()
        prev = GENESIS
        if since > 0:
            found = Entry.objects.filter(seq=since).values_list("hash", flat=True).first()
            if found is None:
                raise NoProofError(f"there is no entry #{since}")
            prev = bytes(found)
        return _walk(head(), max(since, 0), prev, key, tell)


def check_and_keep(
    *, since: int = 0, key: str = "", tell: Tell = lambda _done, _all: None
) -> Report:
    """Verify as `check` does, and keep what was found for everybody to see.

    Raises:
        NoProofError: there is no entry `since`.
        UnkeptError: this login may not say how the ledger stands; it carries the report.
    """
    began = time.monotonic()
    return _keep(check(since=since, key=key, tell=tell), since, began)


def check_on(*, key: str = "", tell: Tell = lambda _done, _all: None) -> Report:
    """Verify what has come since the last check that found all whole; all of it else.

    A broken chain is walked anew each time, so that it is never called whole by looking away.

    Raises:
        UnkeptError: this login may not say how the ledger stands; it carries the report.
    """
    last = latest()
    if last is None or not last.whole or last.hash is None or not last.to_seq:
        return check_and_keep(key=key, tell=tell)
    began = time.monotonic()
    with transaction.atomic():
        one_snapshot()
        # From what was found then, and not from what the row says now.
        report = _walk(head(), last.to_seq, bytes(last.hash), key, tell)
    return _keep(report, last.to_seq, began)


def look() -> Report:
    """Verify what has come since the last look, and all of it once a day.

    Raises:
        UnkeptError: this login may not say how the ledger stands; it carries the report.
    """
    lately = datetime.now(UTC) - timedelta(days=1)
    if Check.objects.filter(since=0, at__gt=lately).exists():
        return check_on()
    return check_and_keep()


def latest() -> Check | None:
    """Return the newest check."""
    return Check.objects.first()


def _kept(report: Report) -> list[str]:
    """Return what a person reads, and in the last line enough to tell any other from it."""
    shown = report.findings[:SHOWN_FINDINGS]
    more = report.faults - len(shown)
    if more > 0:
        # Who acknowledges these has not acknowledged what is found tomorrow.
        whole = hashlib.sha256("\n".join(report.findings).encode()).hexdigest()
        shown.append(f"and {more} more, SHA-256 {whole}")
    return shown


def _keep(report: Report, since: int, began: float) -> Report:
    found = [since, report.last, bytes.fromhex(report.head) or None, report.size]
    took = int((time.monotonic() - began) * 1_000_000)
    try:
        with connection.cursor() as cursor:
            cursor.execute(KEEP, [*found, json.dumps(_kept(report)), took])
    except DatabaseError as fault:
        if isinstance(fault.__cause__, InsufficientPrivilege):
            raise UnkeptError(report) from fault
        raise
    return report


KEEP = "SELECT audit.keep_check(%s, %s, %s, %s, %s::jsonb, %s)"


def _walk(end: Head, start: int, prev: bytes, key: str, tell: Tell) -> Report:
    try:
        return _walked(end, start, prev, key, tell)
    except (ValueError, *ODD) as fault:
        # Whoever can change rows can write what breaks a reader: that is damage, and not silence.
        found = f"what is stored cannot even be read: {type(fault).__name__}"
        report = Report(last=start, findings=[found])
        report.head = prev.hex()
        return report


def _walked(end: Head, start: int, prev: bytes, key: str, tell: Tell) -> Report:
    newest = heads.newest()
    size = newest.size if newest else 0
    try:
        peaks = merkle.Frontier.read(start, heads.reader()).peaks if start <= size else []
    except NoProofError as fault:
        report = Report(last=start, findings=[f"tree: {fault}"])
        report.head = prev.hex()
        return report
    walk = Walk(origin_after(start), start, prev, peaks)
    found = StoredHead.objects.filter(size__gt=start).values_list("size", "root")
    walk.take(rows(start, end.seq, tell), {at: bytes(root) for at, root in found})
    walk.committed.clear()  # compared in the database, below
    report = walk.end(end.seq, end.hash, {})
    report.head, report.size = walk.prev.hex(), size
    if walk.origin != end.origin:
        report.find(f"head: its log is {end.origin}, but the entries belong to {walk.origin}")
    if size > end.seq:
        report.find(f"a tree head of {size} was signed, but the entries end at #{end.seq}")
    if beyond := Entry.objects.filter(seq__gt=end.seq).order_by("seq").first():
        report.find(f"#{beyond.seq}: stands beyond the end of the chain, which is #{end.seq}")
    for finding in _further(start, end.seq, size, key):
        report.find(finding)
    return report


def _further(start: int, upto: int, size: int, key: str) -> Iterator[str]:
    for room in (values, instances, pairing, times):
        yield from room.faults(since=start, upto=upto)
    try:
        known = [(row.from_size, Key.parse(row.vkey)) for row in LogKey.objects.order_by("n")]
        yield from _keys(known, key)
        yield from _signatures(start, known)
        yield from _cosignatures(start)
    except NoteError as fault:
        yield f"keys: {fault}"
    if start == 0:
        yield from _leaves(min(size, upto))
        yield from _nodes(size)


# ---------------------------------------------------------------- signatures


def _keys(known: Sequence[tuple[int, Key]], pinned: str) -> Iterator[str]:
    if pinned and pinned not in [key.vkey for _, key in known]:
        yield "the pinned key is not among the keys of the log"
    statements = list(LogKey.objects.order_by("n").values_list("statement", flat=True))
    for ((_, old), (from_size, new)), said in zip(pairwise(known), statements[1:], strict=True):
        if not hands_over(said, old, new, from_size):
            yield f"key {new.vkey}: the key before it did not hand over to it"


def _signatures(start: int, known: Sequence[tuple[int, Key]]) -> Iterator[str]:
    for stored in StoredHead.objects.filter(size__gt=start)[:MOST_SIGNATURES]:
        valid = [key for from_size, key in known if from_size <= stored.size][-1:]
        try:
            said = TreeHead.parse(open_note(stored.note, valid)[0])
        except NoteError as fault:
            yield f"tree head of {stored.size}: {fault}"
            continue
        agrees = (said.size, said.root) == (stored.size, bytes(stored.root))
        if not agrees or said.origin != valid[0].name:
            yield f"tree head of {stored.size}: the signed text says something else"


def _cosignatures(start: int) -> Iterator[str]:
    known = {one.name: Key.parse(one.vkey) for one in Witness.objects.all()}
    lines = Cosignature.objects.filter(size__gt=start).order_by("-size")[:MOST_SIGNATURES]
    notes = dict(
        StoredHead.objects.filter(size__in=[one.size for one in lines]).values_list("size", "note")
    )
    for one in lines:
        try:
            text, _ = split(notes.get(one.size, ""))
            if one.witness in known:
                verify_lines(text, [parse_line(one.line)], [known[one.witness]])
        except NoteError as fault:
            yield f"tree head of {one.size}: {one.witness}: {fault}"


# ---------------------------------------------------------------- tiles, which proofs are made of


def _leaves(size: int) -> Iterator[str]:
    """Compare the tiles of leaves with the entries; the database does the hashing."""
    for first in range(0, -(-size // tiles.WIDTH), TILES_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(LEAVES, [first, first + TILES_AT_ONCE, size])
            for (index,) in cursor.fetchall():
                yield f"tile 0/{index} of the tree is not that of the entries"


LEAVES = """
    SELECT w.index FROM (
        SELECT (e.seq - 1) / 256 AS index,
               string_agg(CASE e.kind WHEN 'pruned' THEN e.body
                          ELSE sha256('\\x00'::bytea || e.body) END, ''::bytea ORDER BY e.seq)
                   AS leaves
          FROM public.audit_entry e
         WHERE e.seq > %s::bigint * 256 AND e.seq <= least(%s::bigint * 256, %s)
         GROUP BY 1) w
      LEFT JOIN public.audit_tile t ON t.level = 0 AND t.index = w.index
     WHERE t.hashes IS DISTINCT FROM w.leaves
     ORDER BY 1
"""


def _nodes(size: int) -> Iterator[str]:
    """Compare each hash above the leaves with the full tile below it."""
    for level, index, width in tiles.tiles_of(size):
        if level:
            below = range(index * tiles.WIDTH, index * tiles.WIDTH + width)
            whole = b"".join(tiles.root_of(heads.tile(level - 1, each)) for each in below)
            if heads.tile(level, index) != whole:
                yield f"tile {level}/{index} of the tree is not that of the tiles below"
