"""Verbs that write the embedded telemetry's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from adapters.rows import now
from adapters.telemetry import files, lines, records, results
from adapters.telemetry.declared import DeclaredKey, DeclaredObserver, DeclaredQueryLog
from adapters.telemetry.errors import PositionError, SourceError, UnknownObserverError
from adapters.telemetry.files import Line
from adapters.telemetry.hearing import Hearing
from adapters.telemetry.models import Key, Observer, Use
from adapters.telemetry.port import Collected, Pushed
from adapters.text import one_line

DROPPED_WITHIN: Final = timedelta(minutes=5)
"""Before a log daemon says that it dropped lines, it may have done so for so long."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a declaration added, changed and retired, each as "kind name"."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


# ---------------------------------------------------------------- what is declared
def apply(
    *,
    observers: Sequence[DeclaredObserver],
    keys: Sequence[DeclaredKey],
    logs: Sequence[DeclaredQueryLog] = (),
) -> Applied:
    """Make the rows equal to what is declared; what is no longer declared is retired."""
    added: list[str] = []
    changed: list[str] = []
    retired: list[str] = []
    with transaction.atomic():
        for key in keys:
            _put(Key, key.name, _key_values(key), "own key", added, changed)
        for observer in observers:
            values = _observer_values(observer)
            _put(Observer, observer.host, values, "observer", added, changed)
        gone = Key.objects.filter(retired_at=None).exclude(name__in=[key.name for key in keys])
        retired += [f"own key {name}" for name in sorted(gone.values_list("name", flat=True))]
        gone.update(retired_at=now())
        quiet = Observer.objects.filter(retired=False)
        quiet = quiet.exclude(host__in=[observer.host for observer in observers])
        retired += [f"observer {host}" for host in sorted(quiet.values_list("host", flat=True))]
        quiet.update(retired=True)
        read = results.apply(logs)
    parts = zip((added, changed, retired), read, strict=True)
    return Applied(*((*mine, *theirs) for mine, theirs in parts))


def _key_values(key: DeclaredKey) -> dict[str, Any]:
    return {
        "fingerprint": key.fingerprint,
        "accounts": list(key.accounts),
        "addresses": list(key.addresses),
        "authority": key.authority,
        "retired_at": None,
    }


def _observer_values(observer: DeclaredObserver) -> dict[str, Any]:
    return {
        "source": observer.source,
        "path": observer.path or "",
        "time_zone": observer.time_zone,
        "silent_after_s": observer.silent_after_s,
        "skew_s": observer.skew_s,
        "retired": False,
    }


def _put(
    model: type[Key] | type[Observer],
    name: str,
    values: dict[str, Any],
    kind: str,
    added: list[str],
    changed: list[str],
) -> None:
    row = model.objects.filter(pk=name).first()
    if row is None:
        if model is Observer:
            # From now on its silence counts.
            values = {**values, "read_at": now()}
        model.objects.create(pk=name, **values)
        added.append(f"{kind} {name}")
        return
    if all(getattr(row, field_name) == value for field_name, value in values.items()):
        return
    if isinstance(row, Observer) and (row.retired or row.path != values["path"]):
        # Another source, or one that was not watched for a while: it begins anew.
        anew = {"position": "", "began_at": None, "heard_until": None, "read_at": now()}
        values = {**values, **anew}
    model.objects.filter(pk=name).update(**values)
    changed.append(f"{kind} {name}")


# ---------------------------------------------------------------- reading on
def collect() -> Collected:
    """Read on in every file; what one file has gained is one transaction."""
    hosts = Observer.objects.filter(retired=False, source="file").order_by("host")
    total = read = faults = 0
    for host in list(hosts.values_list("host", flat=True)):
        try:
            count, uses = _collect_one(host)
        except SourceError as fault:
            Observer.objects.filter(host=host).update(fault=one_line(str(fault), 300))
            faults += 1
            continue
        total += count
        read += uses
    return Collected(total, read, faults)


@transaction.atomic
def _collect_one(host: str) -> tuple[int, int]:
    # Where another process is just reading this file, it is read.
    watched = Observer.objects.select_for_update(skip_locked=True)
    row = watched.filter(host=host, retired=False, source="file").first()
    if row is None:
        return 0, 0
    path, before = Path(row.path), now()
    if row.began_at is None:
        # What was written before anybody watched had no permits.
        row.position, row.began_at, row.read_at = files.end_of(path), before, before
        row.fault = ""
        row.save(update_fields=["position", "began_at", "read_at", "fault"])
        return 0, 0
    part = files.read_on(path, row.position)
    heard = row.heard_until
    uses = _take(row, part.lines, now())
    if part.lost:
        _note_gap(row, heard or row.began_at, row.heard_until or before)
    row.position, row.fault = part.position, ""
    if part.complete:
        row.read_at = before
    _save_progress(row)
    return len(part.lines), uses


def _note_gap(row: Observer, began: datetime, ended: datetime) -> None:
    """Keep one gap; a second within a day makes it longer: no word is better than a false one."""
    if row.gap_from and row.gap_until and row.gap_until > began - timedelta(days=1):
        began = min(began, row.gap_from)
    row.gap_from, row.gap_until = began, max(began, ended)


def _save_progress(row: Observer) -> None:
    row.save(
        update_fields=[
            "position", "began_at", "read_at", "heard_until", "gap_from", "gap_until",
            "clock_off_at", "fault",
        ]
    )  # fmt: skip


# ---------------------------------------------------------------- taking what is pushed
def position(host: str) -> str:
    """Return where the host's observer is to go on."""
    return _pushing(host, locked=False).position


@transaction.atomic
def push(*, host: str, texts: Sequence[str], after: str, position: str, complete: bool) -> Pushed:
    """Take the lines that follow `after`, all of them or none."""
    row = _pushing(host, locked=True)
    if row.position != after:
        raise PositionError(f"The observer of {host} is at {row.position!r}, not at {after!r}.")
    arrived = now()
    return _pushed(row, texts, position, arrived, arrived if complete else None)


@transaction.atomic
def push_over_gap(
    *,
    host: str,
    texts: Sequence[str],
    after: str,
    position: str,
    complete: bool,
    sent_at: datetime,
) -> Pushed:
    """Take lines that waited on a bus; where they do not follow the last, some may be lost.

    Who sent them cannot be asked to begin elsewhere, so that nothing is refused for that.
    """
    row = _pushing(host, locked=True)
    arrived = now()
    heard = row.heard_until or row.began_at
    follows = row.position == after
    # What was written while this waited comes later: the host had no more only when it was sent.
    pushed = _pushed(row, texts, position, arrived, min(arrived, sent_at) if complete else None)
    if not follows and heard is not None:
        _note_gap(row, heard, row.heard_until or arrived)
        _save_progress(row)
    return pushed


def _pushed(
    row: Observer, texts: Sequence[str], position: str, arrived: datetime, read_at: datetime | None
) -> Pushed:
    if row.began_at is None:
        row.began_at, row.read_at = arrived, None
    pushed = [Line(text, f"{position[:180]}:{number}") for number, text in enumerate(texts)]
    uses = _take(row, pushed, arrived)
    row.position, row.fault = position[:500], ""
    row.read_at = read_at or row.read_at
    _save_progress(row)
    return Pushed(row.position, uses)


def _pushing(host: str, *, locked: bool) -> Observer:
    rows = Observer.objects.select_for_update() if locked else Observer.objects.all()
    row = rows.filter(host=host, retired=False, source="pushed").first()
    if row is None:
        raise UnknownObserverError(f"No observer of pushed lines is declared for {host!r}.")
    return row


def _take(row: Observer, taken: Iterable[Line], seen_at: datetime) -> int:
    """Write what lines say about us; how far the host was heard goes into the row."""
    keys = list(Key.objects.all())
    hearing = Hearing(
        host=row.host,
        after=row.read_at,
        seen_at=seen_at,
        prints=frozenset(key.fingerprint for key in keys),
        accounts=frozenset(account for key in keys for account in key.accounts),
    )
    zone = ZoneInfo(row.time_zone)
    for line in taken:
        record = records.read(line.text, zone=zone, now=seen_at)
        if record is None:
            continue
        # A time that lies ahead of us says nothing about what has been read so far.
        heard = min(record.at, seen_at)
        row.heard_until = max(row.heard_until or heard, heard)
        said = lines.understand(record)
        if said is not None:
            hearing.hear(record, said, line.position)
    for at in hearing.dropped:
        _note_gap(row, at - DROPPED_WITHIN, at)
    if any(_misplaced(use, row.skew_s) for use in hearing.fresh):
        row.clock_off_at = seen_at
    Use.objects.bulk_create(hearing.fresh, ignore_conflicts=True)
    return len(hearing.fresh)


def _misplaced(use: Use, skew_s: int) -> bool:
    skew = timedelta(seconds=skew_s)
    early = use.after is not None and use.at < use.after - skew
    return early or use.at > use.seen_at + skew


_JOINED = """
    UPDATE telemetry_use u SET joined_at = clock_timestamp()
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS j(id, ended_at, command)
    WHERE u.id = j.id AND u.ended_at IS NOT DISTINCT FROM j.ended_at AND u.command = j.command
"""


def mark_joined(*, uses: Sequence[tuple[int, datetime | None, str]]) -> None:
    """Note that these are joined as they stand; one that has grown since stays to be joined."""
    columns = [[use[place] for use in uses] for place in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(_JOINED, columns)
