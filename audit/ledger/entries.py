"""Entries as the verifier takes them, out of the database in pages and in one snapshot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from audit.verify import Row

PAGE = 4_000

# Where retention took an entry's bytes, the hash of its leaf stands in their place.
PRUNED = "pruned"
SELECT = """
    SELECT e.seq, e.prev, e.hash, e.body, e.kind, e.subject, e.ticket_ref,
           to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      FROM public.audit_entry e WHERE e.seq > %s AND e.seq <= %s ORDER BY e.seq LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain as the database says."""

    origin: str
    seq: int
    hash: bytes


def head() -> Head:
    """Return the head."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT origin, seq, hash FROM audit.head()")
        origin, seq, digest = cursor.fetchone()
    return Head(origin=str(origin), seq=int(seq), hash=bytes(digest))


def origin_after(seq: int) -> str:
    """Return the name of the log that the entry after this one carries: epochs change it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.origin_after(%s)", [seq])
        return str(cursor.fetchone()[0])


def one_snapshot() -> None:
    """Let all of a transaction be of one moment, or an append in between looks like damage."""
    if connection.in_atomic_block and len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def rows(
    after: int, upto: int, tell: Callable[[int, int], None] = lambda _done, _all: None
) -> Iterator[Row]:
    """Yield the entries after one up to another, oldest first."""
    last = after
    while last < upto:
        with connection.cursor() as cursor:
            cursor.execute(SELECT, [last, upto, PAGE])
            page: list[tuple[Any, ...]] = cursor.fetchall()
        if not page:
            return
        for seq, prev, digest, body, *shown in page:
            gone = shown[0] == PRUNED
            bodies = (None, bytes(body)) if gone else (bytes(body), b"")
            yield Row._make([seq, bytes(prev), bytes(digest), bodies[0], *shown, bodies[1]])
        last = page[-1][0]
        tell(last - after, upto - after)
