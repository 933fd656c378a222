"""Logs of osquery's results, in rows: each result once, the newest of each CI kept for a while."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.db.models.functions import Now

from adapters.rows import now
from adapters.telemetry import files, osquery, strangers
from adapters.telemetry.declared import DeclaredQueryLog
from adapters.telemetry.errors import SourceError
from adapters.telemetry.models import QueryLog
from adapters.telemetry.models import Result as Row
from adapters.telemetry.port import Collected
from adapters.text import one_line

KEEP: Final = timedelta(days=7)
MOST_OF_CI: Final = 5_000
MOST_BYTES_OF_CI: Final = 32 * 1024 * 1024

_CUT = """
    DELETE FROM telemetry_result r USING (
        SELECT id, row_number() OVER newest AS place, sum(size) OVER newest AS held
        FROM telemetry_result WHERE ci = %s WINDOW newest AS (ORDER BY seen_at DESC, id)
    ) k WHERE r.id = k.id AND (k.place > %s OR k.held > %s)
"""


def apply(logs: Sequence[DeclaredQueryLog]) -> tuple[list[str], list[str], list[str]]:
    """Make the rows equal to what is declared; returns what was added, changed and retired."""
    added: list[str] = []
    changed: list[str] = []
    for log in logs:
        row = QueryLog.objects.filter(pk=log.name).first()
        values = {"path": log.path, "hosts": dict(log.hosts), "retired": False}
        if row is None:
            QueryLog.objects.create(pk=log.name, **values)
            added.append(f"query log {log.name}")
        elif any(getattr(row, name) != value for name, value in values.items()):
            # Another file, or one that was not read for a while, is read from its end.
            anew = {"position": "", "read_at": None} if row.retired or row.path != log.path else {}
            QueryLog.objects.filter(pk=log.name).update(**values, **anew)
            changed.append(f"query log {log.name}")
    gone = QueryLog.objects.filter(retired=False).exclude(name__in=[log.name for log in logs])
    retired = [f"query log {name}" for name in sorted(gone.values_list("name", flat=True))]
    gone.update(retired=True)
    return added, changed, retired


def collect() -> Collected:
    """Read on in every log; what one has gained is one transaction."""
    lines = faults = 0
    for name in (
        QueryLog.objects.filter(retired=False).order_by("name").values_list("pk", flat=True)
    ):
        try:
            lines += _collect_one(name)
        except SourceError as fault:
            QueryLog.objects.filter(pk=name).update(fault=one_line(str(fault), 300))
            faults += 1
    return Collected(lines, 0, faults)


@transaction.atomic
def _collect_one(name: str) -> int:
    # Where another process is just reading this file, it is read.
    row = (
        QueryLog.objects.select_for_update(skip_locked=True).filter(pk=name, retired=False).first()
    )
    if row is None:
        return 0
    path, before = Path(row.path), now()
    if not row.position:
        # A result of before would be no news.
        row.position, part = files.end_of(path), None
    else:
        part = files.read_on(path, row.position, longest=osquery.LONGEST)
        row.position = part.position
    if part is not None:
        _take(row, [line.text for line in part.lines], before)
        row.lost_at = before if part.lost else row.lost_at
    if part is None or part.complete:
        row.read_at = before
    row.fault = ""
    row.save(
        update_fields=["position", "read_at", "unread", "unplaced", "strangers", "lost_at", "fault"]
    )
    return 0 if part is None else len(part.lines)


def _take(log: QueryLog, texts: Sequence[str], seen_at: datetime) -> None:
    """Keep the results of hosts that have a CI here; the others are counted, and noted by name."""
    fresh: list[Row] = []
    unknown: list[str] = []
    for text in texts:
        found = osquery.read(text)
        if found is None:
            log.unread += bool(text.strip())
            continue
        placed = [one for one in found if one.identifier in log.hosts]
        log.unplaced += len(found) - len(placed)
        unknown += [one.identifier for one in found if one.identifier not in log.hosts]
        fresh += [_row(one, log.hosts[one.identifier], seen_at) for one in placed]
    if unknown:
        log.strangers = strangers.noted(log.strangers, unknown, seen_at)
    # One that was written twice, by a host that was not sure, is there already.
    Row.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=500)
    _cut(sorted({one.ci for one in fresh}))


def _row(said: osquery.Result, ci: str, seen_at: datetime) -> Row:
    return Row(
        id=said.id,
        ci=ci,
        query=said.query,
        action=said.action,
        # A time ahead of us would stay the newest for ever.
        at=min(said.at, seen_at),
        seen_at=seen_at,
        epoch=said.epoch,
        counter=said.counter,
        rows=list(said.rows),
        size=len(json.dumps(said.rows)),
        whole=said.whole,
    )


def _cut(cis: Iterable[str]) -> None:
    """Hold each CI to its share: a host that writes without end displaces only itself."""
    with connection.cursor() as cursor:
        for ci in cis:
            cursor.execute(_CUT, [ci, MOST_OF_CI, MOST_BYTES_OF_CI])


def forget() -> None:
    """Drop what was kept long enough, by the database's clock."""
    Row.objects.filter(seen_at__lt=Now() - KEEP).delete()
