"""What was changed in iTop since the last look, page by page, and taken over ticket by ticket."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from adapters.markers import is_of_check
from adapters.rows import now
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import absorb, adopt, backlog, locks, words
from adapters.tickets.itop.client import Found
from adapters.tickets.itop.errors import ItopBusyError, ItopUnclearError
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.names import FORMAT, lived_twice
from adapters.tickets.itop.push import Push
from adapters.tickets.itop.session import Session

PAGE: Final = 1000
SLIM: Final = ("id", "finalclass", "ref", "last_update", "operational_status")
OVERLAP: Final = timedelta(seconds=60)
"""A write bears the time at which it began; so long a slow one may take to become visible."""
SETTLING: Final = timedelta(seconds=5)
"""iTop's times are of whole seconds: what was read sooner may have been written again since."""
OPENING: Final = timedelta(minutes=10)
"""So long an object that bears a mark of ours may belong to a transaction that is under way."""
BUDGET_S: Final = 45.0
"""One look ends after this; the next goes on, since what was taken over is soon passed by."""


@dataclass(slots=True)
class Round:
    """What one look has come to so far."""

    pages: int = 0
    changed: int = 0
    newest: str = ""
    held: str = ""
    """The last_update from which the next look must begin, where something was put off."""
    whole: bool = True
    left_out: dict[str, str] = field(default_factory=dict)
    ends: float = 0.0

    def put_off(self, updated: str) -> None:
        """Have the next look begin no later than with this one."""
        self.held = min(self.held or updated, updated)

    def is_over(self) -> bool:
        """Tell whether the look has taken its time."""
        return time.monotonic() > self.ends


def began_round() -> Round:
    """Return a look that begins now."""
    return Round(ends=time.monotonic() + BUDGET_S)


def window(reached: str, polled_at: datetime | None, at: datetime, zone: ZoneInfo) -> str:
    """Return iTop's time from which on is looked, overlapping; empty at the first look. Pure."""
    if not reached:
        return ""
    # It has no zone; whichever it is given here is not written again.
    begin = datetime.strptime(reached, FORMAT).replace(tzinfo=UTC) - OVERLAP
    return (begin - lived_twice(polled_at or at, at, zone)).strftime(FORMAT)


def pages(here: Session, query: str, done: Round) -> Iterator[tuple[Found, ...]]:
    """Yield the pages of a query by slim rows, one call each.

    A list that shrinks under the reader may hide a row from him: then the look is not whole.
    """
    n, total = 0, 0
    while True:
        n += 1
        answer = here.client.get("Ticket", query, SLIM, limit=PAGE, page=n)
        done.pages += 1
        if answer.total < total:
            done.whole = False
        total = answer.total
        yield answer.objects
        if n * PAGE >= total or not answer.objects:
            return
        if done.is_over():
            done.whole = False
            return


def poll(here: Session, start: str) -> Round:
    """Take over what was changed since `start`; at the first look, what is not closed.

    Raises:
        ItopError: iTop is away; what was taken over until then stays so.
    """
    done = began_round()
    since = f"last_update >= '{start}'" if start else "operational_status != 'closed'"
    for page in pages(here, f"SELECT Ticket WHERE {since}", done):
        done.newest = max(done.newest, *(_updated(one) for one in page), "")
        take(here, page, done)
    return done


def reread(here: Session, itop_class: str, itop_id: int) -> Round:
    """Read one object, whatever we think of it, and take it over.

    Raises:
        ItopError: iTop is away.
    """
    done = began_round()
    known = Mirrored.objects.filter(itop_class=itop_class, itop_id=itop_id).first()
    with_cis = ("functionalcis_list",) if known is None and itop_class in adopt.WITH_CIS else ()
    fields = (*words.FIELDS[itop_class], *with_cis)
    unread: dict[int, str] = {}
    for found, read_at in _details(here, itop_class, [itop_id], fields, unread):
        _take_one(here, found, known, read_at, done)
    done.left_out.update({f"{itop_class}::{one}": why for one, why in unread.items()})
    return done


def take(here: Session, page: Iterable[Found], done: Round) -> None:
    """Take over those of a page that are new or not as they were last seen."""
    for itop_class, rows in _by_class(page).items():
        if itop_class not in adopt.OURS:
            done.left_out.update({f"{itop_class}::{one.id}": "no class of ours" for one in rows})
            continue
        known = _known(itop_class, rows)
        stale = [one.id for one in rows if one.id in known and _stale(known[one.id], one)]
        born = [one.id for one in rows if one.id not in known]
        with_cis = ("functionalcis_list",) if itop_class in adopt.WITH_CIS else ()
        unread: dict[int, str] = {}
        for ids, more in ((stale, ()), (born, with_cis)):
            fields = (*words.FIELDS[itop_class], *more)
            for found, read_at in _details(here, itop_class, ids, fields, unread):
                if done.is_over():
                    done.whole = False
                    return
                _take_one(here, found, known.get(found.id), read_at, done)
        for one in rows:
            if one.id in unread:
                done.left_out[f"{itop_class}::{one.id}"] = unread[one.id]
                done.put_off(_updated(one))


def _take_one(
    here: Session, found: Found, known: Mirrored | None, read_at: datetime, done: Round
) -> None:
    try:
        if known is None:
            done.changed += _new(here, found, done)
        else:
            done.changed += _changed(here, found, known.ticket_id, read_at)
    except ItopBusyError:
        done.put_off(_updated(found))
    except backlog.OUTAGES:
        raise
    except (TicketError, *backlog.UNFIT) as error:
        # One that we cannot keep holds nobody else up; it is said where people look.
        done.left_out[f"{found.itop_class}::{found.id}"] = str(error)[:300]


def _new(here: Session, found: Found, done: Round) -> bool:
    """Take in what was born there, unless it is one that we are just opening."""
    if adopt.is_waited_for(found.fields):
        return False
    marked = adopt.whose(found.fields)
    if marked and not marked[1]:
        if _is_of_check(found):
            return False
        if _is_recent(here, found):
            done.put_off(_updated(found))
            return False
    return adopt.adopt(found, here.names, _cis(found)) is not None


def _changed(here: Session, found: Found, ref: str, read_at: datetime) -> bool:
    """Take over one, by what was read; what was written to meanwhile is read again."""
    with transaction.atomic():
        mirrored = locks.locked(ref)
        if mirrored is None:
            return False
        fields = found.fields
        if mirrored.seen_at is None or mirrored.seen_at >= read_at:
            push = Push(here.client, here.names, mirrored)
            push.read()
            fields = push.fields
        held = backlog.waits(mirrored)
        return bool(absorb.absorb(mirrored, fields, here.names, hold_state=held))


def _details(
    here: Session,
    itop_class: str,
    ids: list[int],
    fields: tuple[str, ...],
    unread: dict[int, str],
    size: int = PAGE,
) -> Iterator[tuple[Found, datetime]]:
    """Yield objects by ids, and when each was read; parts what is too much for one call.

    One that alone cannot be read, while iTop answers, goes into `unread` with the reason.
    """
    for at in range(0, len(ids), size):
        part = ids[at : at + size]
        listed = ",".join(map(str, part))
        query, read_at = f"SELECT {itop_class} WHERE id IN ({listed})", now()
        try:
            answer = here.client.get(itop_class, query, fields)
        except ItopUnclearError as fault:
            if len(part) > 1:
                smaller = max(len(part) // 8, 1)
                yield from _details(here, itop_class, part, fields, unread, smaller)
                continue
            if not _answers(here, itop_class, query):
                raise
            unread[part[0]] = f"iTop does not answer with it: {fault}"[:300]
            continue
        for one in answer.objects:
            if one.itop_class == itop_class:
                yield one, read_at


def _answers(here: Session, itop_class: str, query: str) -> bool:
    """Tell whether iTop says that an object is there, so that it is not iTop that is away."""
    try:
        here.client.get(itop_class, query, ("id",))
    except ItopUnclearError:
        return False
    return True


def _cis(found: Found) -> tuple[str, ...]:
    rows = found.fields.get("functionalcis_list")
    return tuple(
        str(one.get("functionalci_name", ""))
        for one in (rows if isinstance(rows, list) else ())
        # What iTop has reckoned itself is not what somebody meant.
        if isinstance(one, dict) and one.get("impact_code") != "computed"
    )


def _known(itop_class: str, rows: Iterable[Found]) -> dict[int, Mirrored]:
    ids = [one.id for one in rows]
    kept = Mirrored.objects.filter(itop_class=itop_class, itop_id__in=ids)
    return {one.itop_id: one for one in kept if one.itop_id is not None}


def _stale(kept: Mirrored, row: Found) -> bool:
    if kept.updated_there != _updated(row) or kept.gone_at is not None:
        return True
    seen, noticed = kept.seen_at, kept.noticed_at
    return seen is None or noticed is None or seen - noticed < SETTLING


def _is_of_check(found: Found) -> bool:
    """Tell whether it is what a check had open, and our user may not delete: it is over."""
    title = str(found.fields.get("title"))
    return found.fields.get("status") == "closed" and is_of_check(title)


def _is_recent(here: Session, found: Found) -> bool:
    moment = here.names.read_moment(_updated(found))
    return moment is not None and now() - moment < OPENING


def _updated(found: Found) -> str:
    return str(found.fields.get("last_update") or "")


def _by_class(page: Iterable[Found]) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = {}
    for one in page:
        found.setdefault(one.itop_class, []).append(one)
    return found
