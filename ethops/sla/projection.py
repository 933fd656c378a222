"""Brings a ticket's stopwatches to what its history and the promises say; any time, and again.

What has stopped keeps the terms it stopped under, so that a promise changed later makes nothing of
the past better or worse. What still runs goes by what is promised now.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, transaction

from adapters import registry
from adapters.errors import AdapterError
from adapters.levels import TextRefusedError, holiday, hours
from adapters.tickets.passages import Passage
from adapters.tickets.port import Ticket
from adapters.tickets.states import is_open
from audit.fields import ClockTimestamp
from ethops.sla import models, stopwatch, terms
from ethops.sla.calendars import Calendar
from ethops.sla.errors import LevelError, UnreadableCalendarError
from ethops.sla.stopwatch import KINDS, Kind, Phase, Reading
from ethops.sla.targets import Promise, chosen
from ethops.sla.terms import Given

log = logging.getLogger(__name__)


def follow(ref: str) -> None:
    """Derive a ticket's stopwatches after a passage; a fault of ours holds no ticket up.

    What could not be derived now is derived with the next sweep.
    """
    try:
        with transaction.atomic():
            derive(ref)
    except (LevelError, DatabaseError, AdapterError) as fault:
        log.warning("the stopwatches of %s could not be derived: %s", ref, fault)
        # Others first, when it is tried again.
        models.Followed.objects.filter(ticket_ref=ref).update(derived_at=ClockTimestamp())


@transaction.atomic
def derive(ref: str) -> list[models.Stopwatch]:
    """Derive a ticket's stopwatches and keep them.

    Raises:
        TicketNotFoundError: no ticket has this ref.
        LevelError: what is promised cannot be reckoned with.
    """
    _hold(ref)
    reader = registry.reader("tickets")
    ticket, history = reader.get(ref), reader.history(ref)
    kept = {row.kind: row for row in _rows(ref)}
    promises = _promises(ticket)
    made = []
    for kind in KINDS:
        found = _clock(kind, ticket, history, kept.get(kind), promises)
        if found is None:
            models.Stopwatch.objects.filter(ticket_ref=ref, kind=kind).delete()
            continue
        made.append(_kept(kind, ticket, found, kept.get(kind)))
    models.Followed.objects.filter(ticket_ref=ref).update(
        is_open=is_open(ticket.state), stale=False
    )
    return made


@dataclass(frozen=True, slots=True)
class _Clock:
    """Terms, and what the stopwatch shows by them."""

    given: Given
    reading: Reading


def _hold(ref: str) -> None:
    """Let one process at a time read a ticket's history and write what follows from it."""
    models.Followed.objects.bulk_create(
        [models.Followed(ticket_ref=ref, derived_at=ClockTimestamp())],
        update_conflicts=True,
        unique_fields=["ticket_ref"],
        update_fields=["derived_at"],
    )


def _rows(ref: str) -> Iterable[models.Stopwatch]:
    return models.Stopwatch.objects.filter(ticket_ref=ref).select_related("terms")


def _clock(
    kind: Kind,
    ticket: Ticket,
    history: Sequence[Passage],
    kept: models.Stopwatch | None,
    promises: Sequence[Promise[models.Target]],
) -> _Clock | None:
    """Return a clock by the terms that hold for it; None where nothing is promised."""
    now = stopwatch.phase(kind, history)
    if now is None:
        return None
    due = _deadline(kind, ticket)
    given = terms.given(kept.terms.body) if kept else None
    if kept is None or not _keeps(kept, given, now, due):
        given = _given(kind, ticket, history, promises)
    if given is None:
        return None
    if given.outside:
        due = due or (kept.due_at if kept else None)
        reading = stopwatch.outside(kind, history, given.target_s, due)
    else:
        reading = stopwatch.read(kind, history, given.target_s, given.calendar)
    return None if reading is None else _Clock(given, reading)


def _keeps(kept: models.Stopwatch, given: Given | None, now: Phase, due: datetime | None) -> bool:
    """Tell whether a clock goes on by the terms it has."""
    if now == kept.phase == "stopped":
        return True
    # Outside desks forget a deadline while their own clock stands still.
    return bool(given and given.outside and due is None and now != "running")


def _deadline(kind: Kind, ticket: Ticket) -> datetime | None:
    """Return when an outside desk says that it is due."""
    return ticket.tto_due_at if kind == "tto" else ticket.ttr_due_at


def _given(
    kind: Kind,
    ticket: Ticket,
    history: Sequence[Passage],
    promises: Sequence[Promise[models.Target]],
) -> Given | None:
    due = _deadline(kind, ticket)
    if due is not None:
        return terms.of_outside(int((due - history[0].at).total_seconds()))
    found = chosen(
        promises,
        kind=kind,
        ticket_class=ticket.ticket_class,
        priority=ticket.priority,
        named=ticket.service,
        services={one.service for one in promises},
    )
    seconds = found.seconds(kind) if found else None
    if found is None or seconds is None:
        return None
    row = found.row
    return Given(
        target_s=seconds,
        calendar_name=row.calendar.name,
        calendar=calendar_of(row.calendar),
        service=found.service,
        warn=row.warn,
        breach=row.breach,
    )


def _promises(ticket: Ticket) -> list[Promise[models.Target]]:
    """Return what is promised to tickets of this class and priority, of the services they touch."""
    rows = models.Target.objects.filter(
        ticket_class=ticket.ticket_class, priority=ticket.priority
    ).select_related("calendar", "service")
    return [
        Promise(
            ticket_class=row.ticket_class,
            priority=row.priority,
            service=row.service.slug if row.service else "",
            declared=row.declared,
            tto_s=row.tto_s,
            ttr_s=row.ttr_s,
            row=row,
        )
        for row in rows
        if row.service is None or _touches(ticket, row.service)
    ]


def _touches(ticket: Ticket, service: models.Service) -> bool:
    """Tell whether a ticket names the service, or one of its CIs."""
    return ticket.service == service.slug or not set(ticket.ci_refs).isdisjoint(service.cis.split())


def calendar_of(row: models.Calendar) -> Calendar:
    """Return a calendar's row as what is reckoned with.

    Raises:
        UnreadableCalendarError: somebody has written into it past every form.
    """
    try:
        week = tuple(hours(text) for text in row.week)
        days = frozenset(holiday(line)[0] for line in row.holidays.splitlines() if line.strip())
    except TextRefusedError as fault:
        raise UnreadableCalendarError(f"Calendar {row.name}: {fault}") from fault
    return Calendar(row.zone, week, days)  # type: ignore[arg-type]


def _kept(
    kind: Kind, ticket: Ticket, found: _Clock, kept: models.Stopwatch | None
) -> models.Stopwatch:
    said = terms.body(found.given)
    digest = terms.digest(said)
    models.Terms.objects.get_or_create(digest=digest, defaults={"body": said})
    same = kept is not None and kept.target_s == found.given.target_s
    row, _ = models.Stopwatch.objects.update_or_create(
        ticket_ref=ticket.ref,
        kind=kind,
        defaults={
            "ticket_class": ticket.ticket_class,
            "priority": ticket.priority,
            "terms_id": digest,
            "target_s": found.given.target_s,
            "phase": found.reading.phase,
            "used_s": found.reading.used_s,
            "since": found.reading.since,
            "due_at": found.reading.due_at,
            "warn_at": found.reading.warn_at,
            # Who was told of another target was told of another.
            "warn_told": bool(same and kept and kept.warn_told),
            "breach_told": bool(same and kept and kept.breach_told),
        },
    )
    return row
