"""Writes that iTop could not be told: kept in order per ticket, and told once it is back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import DataError, IntegrityError, transaction
from django.db.models import F

from adapters.rows import now
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import absorb, locks
from adapters.tickets.itop.errors import (
    ItopBusyError,
    ItopError,
    ItopLoginError,
    ItopReadOnlyError,
    ItopUnclearError,
    ItopUnreachableError,
    ItopUnsetError,
)
from adapters.tickets.itop.models import Mirrored, Waiting
from adapters.tickets.itop.push import Push
from adapters.tickets.itop.session import Session
from adapters.tickets.itop.writes import Write, read

OUTAGES: Final = (
    *(ItopUnreachableError, ItopUnclearError, ItopLoginError, ItopUnsetError),
    ItopReadOnlyError,
)
"""What says nothing against the write itself: it is kept."""

UNFIT: Final = (IntegrityError, DataError)
"""What our own rows raise where an object of iTop does not fit into them."""

_AWAY: Final = rf"^({'|'.join(one.code for one in OUTAGES)}):"

PATIENCE: Final = 3
"""So many tickets without a clear answer are tried in one look: what stops one stops no other."""

QUIET: Final = timedelta(seconds=5)
"""So long after a try that failed nobody else tries: work goes on here meanwhile."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How many writes were told, refused, and still wait; and what stopped the last that does."""

    told: int = 0
    refused: int = 0
    waiting: int = 0
    fault: TicketError | None = None


def put(mirrored: Mirrored, write: Write, error: TicketError) -> None:
    """Keep a write for later; run inside a transaction that holds the ticket's lock."""
    Waiting.objects.create(
        mirrored=mirrored, key=write.key, write=write.kept(), error=_said(error), tried_at=now()
    )


def is_quiet() -> bool:
    """Tell whether iTop was found away a moment ago; one ticket that it refuses says nothing."""
    recent = Waiting.objects.filter(outage=True, tried_at__gt=now() - QUIET)
    return recent.filter(error__regex=_AWAY).exists()


def unfit(ref: str, error: Exception) -> ItopError:
    """Return what is said of a ticket that has in iTop what our rows do not take."""
    return ItopError(f"What {ref} says there is not kept here: {error}"[:300])


def waits(mirrored: Mirrored) -> bool:
    """Tell whether the ticket has writes that iTop has not been told."""
    return Waiting.objects.filter(mirrored=mirrored, outage=True).exists()


def stays(waiting: Waiting, fault: TicketError | None) -> bool:
    """Tell whether a write waits on: in an outage, and where the ticket is not there without it."""
    opens = fault is not None and read(waiting.write).kind == "create"
    return opens or isinstance(fault, OUTAGES)


def drain_all(session: Session, limit: int = 1000) -> Drained:
    """Tell iTop what waits, each ticket in its order, until iTop is away again.

    A ticket whose answer was unclear comes after those that were not tried since.
    """
    rows = Waiting.objects.filter(outage=True).order_by("mirrored_id", "id")
    first = rows.distinct("mirrored_id")
    told = refused = unclear = 0
    fault: TicketError | None = None
    for one in sorted(first, key=lambda row: (row.tried_at, row.pk))[:limit]:
        done = _drained(session, one)
        told, refused = told + done.told, refused + done.refused
        fault = done.fault or fault
        unclear += done.fault is not None
        away = isinstance(done.fault, OUTAGES) and not isinstance(done.fault, ItopUnclearError)
        if away or unclear == PATIENCE:
            break
    return Drained(told, refused, Waiting.objects.filter(outage=True).count(), fault)


def _drained(session: Session, first: Waiting) -> Drained:
    """Tell iTop what waits for one ticket; one that others hold, or we cannot keep, stops none."""
    try:
        return drain(session, first.mirrored_id)
    except ItopBusyError as busy:
        return Drained(waiting=1, fault=busy)
    except UNFIT as error:
        odd = unfit(first.mirrored_id, error)
        Waiting.objects.filter(pk=first.pk).update(error=_said(odd), tried_at=now())
        return Drained(waiting=1, fault=odd)


def drain(session: Session, ref: str) -> Drained:
    """Tell iTop what waits for one ticket, each write in a transaction of its own."""
    told = refused = 0
    while True:
        with transaction.atomic():
            mirrored = locks.locked(ref)
            waiting = next_of(mirrored) if mirrored else None
            if mirrored is None or waiting is None:
                return Drained(told, refused, 0)
            fault = tell(session, mirrored, waiting)
        if stays(waiting, fault):
            return Drained(told, refused, 1, fault)
        refused += fault is not None
        told += fault is None


def tell(session: Session, mirrored: Mirrored, waiting: Waiting) -> TicketError | None:
    """Tell iTop one write; returns what was wrong. The ticket's lock is held."""
    write = read(waiting.write)
    push = Push(session.client, session.names, mirrored)
    try:
        with transaction.atomic():
            if mirrored.itop_id is not None:
                push.read()
                absorb.absorb(mirrored, push.fields, session.names, own=write.key, hold_state=True)
            push.carry_out(write)
            absorb.told(mirrored, push.fields, session.names, write.key, given=push.given)
    except TicketError as error:
        mirrored.refresh_from_db()
        outage = stays(waiting, error)
        Waiting.objects.filter(pk=waiting.pk).update(
            attempts=F("attempts") + 1, error=_said(error), outage=outage, tried_at=now()
        )
        if not outage and mirrored.itop_id is not None:
            _refused(session, mirrored, write, error)
        return error
    waiting.delete()
    if not waits(mirrored):
        absorb.settle_on(mirrored)
    return None


def _refused(session: Session, mirrored: Mirrored, write: Write, error: TicketError) -> None:
    """Say on both sides that iTop did not take a write, and believe iTop."""
    push = Push(session.client, session.names, mirrored)
    try:
        push.read()
        push.carry_out(Write(write.key, "line", write.comment, write.visibility, write.line))
        # What people did there meanwhile was undone here together with the write.
        absorb.absorb(mirrored, push.fields, session.names, own=write.key, hold_state=True)
    except TicketError:
        # What was to be said stands in our worklog, and the row says that iTop has it not.
        mirrored.refresh_from_db()
    absorb.contradict(mirrored, write.stimulus or write.kind, _said(error))
    if not waits(mirrored):
        absorb.settle_on(mirrored)


def next_of(mirrored: Mirrored) -> Waiting | None:
    """Return the write of a ticket that iTop is to be told next."""
    return Waiting.objects.filter(mirrored=mirrored, outage=True).order_by("id").first()


def _said(error: TicketError) -> str:
    return f"{error.code}: {error}"[:2000]
