"""Verification of the ledger in the database, by the same code that an auditor runs offline."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from audit.models import Check, Entry
from audit.recorder import moment
from audit.verify import GENESIS, Report, Row, verify

PAGE = 2_000
SHOWN_FINDINGS = 10
KEPT = timedelta(days=7)


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


def check(*, since: int = 0) -> Report:
    """Verify the entries after `since`; all of them from 0."""
    with transaction.atomic():
        _one_snapshot()
        end = head()
        start_hash = GENESIS if since <= 0 else bytes(Entry.objects.get(seq=since).hash)
        return verify(
            _rows(max(since, 0), end.seq),
            origin=end.origin,
            head_seq=end.seq,
            head_hash=end.hash,
            start=max(since, 0),
            start_hash=start_hash,
        )


def check_and_keep(*, since: int = 0) -> Report:
    """Verify as `check` does, and keep what was found for everybody to see."""
    began = time.monotonic()
    report = check(since=since)
    Check.objects.create(
        since=since,
        to_seq=report.last,
        whole=report.whole,
        findings=report.findings[:SHOWN_FINDINGS],
        took_us=int((time.monotonic() - began) * 1_000_000),
    )
    Check.objects.filter(at__lt=datetime.now(UTC) - KEPT).delete()
    return report


def check_on() -> Report:
    """Verify what has come since the last check that found the chain whole; all of it else.

    A broken chain is walked anew each time, so that it is never called whole by looking away.
    """
    last = latest()
    return check_and_keep(since=last.to_seq if last is not None and last.whole else 0)


def latest() -> Check | None:
    """Return the newest check."""
    return Check.objects.first()


def export() -> Iterator[str]:
    """Yield the lines of an export, as `verify.py` reads them."""
    with transaction.atomic():
        _one_snapshot()
        end = head()
        yield json.dumps({"origin": end.origin, "seq": end.seq, "hash": end.hash.hex()})
        for row in _rows(0, end.seq):
            yield json.dumps(
                {
                    "seq": row.seq,
                    "prev": row.prev.hex(),
                    "hash": row.hash.hex(),
                    "body": base64.b64encode(row.body).decode("ascii"),
                    "kind": row.kind,
                    "subject": row.subject,
                    "ticket": row.ticket,
                    "at": row.at,
                }
            )


def archive(first: int, last: int) -> Iterator[str]:
    """Yield the lines of an archive: the entries of a range that still have their bytes."""
    for row in _rows(first - 1, last):
        if row.kind != "pruned":
            yield json.dumps(
                {
                    "seq": row.seq,
                    "prev": row.prev.hex(),
                    "hash": row.hash.hex(),
                    "body": base64.b64encode(row.body).decode("ascii"),
                }
            )


def _one_snapshot() -> None:
    # Head and entries must be of one moment, or an append in between looks like damage.
    if connection.in_atomic_block and len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _rows(after: int, upto: int) -> Iterator[Row]:
    last = after
    while last < upto:
        page = list(Entry.objects.filter(seq__gt=last, seq__lte=upto).order_by("seq")[:PAGE])
        if not page:
            return
        for entry in page:
            yield row_of(entry)
        last = page[-1].seq


def row_of(entry: Entry) -> Row:
    """Return the entry in the form that the verifier takes."""
    at: datetime = entry.at
    return Row(
        seq=entry.seq,
        prev=bytes(entry.prev),
        hash=bytes(entry.hash),
        body=bytes(entry.body),
        kind=entry.kind,
        subject=entry.subject,
        ticket=entry.ticket_ref,
        at=moment(at),
    )
