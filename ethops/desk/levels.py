"""Looks after what is promised: warns at three quarters, says that a promise is broken, once each.

The line in the ticket, the notice and the mark on the stopwatch are one transaction, and the line
has a key: whoever is killed in between has done nothing, or all of it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, cast
from uuid import UUID, uuid5

from django.db import DatabaseError, transaction

from adapters import registry
from adapters.errors import AdapterError
from adapters.rows import now as clock
from ethops.desk import notices
from ethops.desk.housekeeping import begin_occasion
from ethops.executor import tickets
from ethops.sla import projection, terms
from ethops.sla.calendars import SECOND
from ethops.sla.errors import LevelError
from ethops.sla.models import Followed, Stopwatch
from ethops.sla.stopwatch import Kind
from ethops.sla.terms import Given
from ethops.sla.words import NAMES, exactly

NAMESPACE = UUID("5c5b8d4e-9c33-4a0b-8a0e-0e6a3f6f2a17")
RULE = "service levels"

What: TypeAlias = Literal["warn", "breach"]

AT_ONCE: Final = 200
"""So many clocks are told of, and so many derived again, in one sweep."""
PAGE: Final = 200
MOST_PAGES: Final = 50
RECONCILE_SECONDS: Final = 60

log = logging.getLogger(__name__)


def watch() -> None:
    """Derive what is out of date, then tell what is due."""
    for one in Followed.objects.filter(stale=True).order_by("derived_at")[:AT_ONCE]:
        projection.follow(one.ticket_ref)
    if begin_occasion("reconcile stopwatches", RECONCILE_SECONDS):
        reconcile()
    now = clock()
    for row in _warnings(now):
        _tell(row, "warn")
    for row in _breaches(now):
        _tell(row, "breach")


def reconcile() -> int:
    """Derive what was looked at longest ago, and tickets that nobody follows; returns how many.

    Passages derive in their own transaction; this is for those that could not, and for tickets that
    an outside desk, or an earlier version of us, has opened.
    """
    before = clock() - timedelta(seconds=RECONCILE_SECONDS)
    known = Followed.objects.filter(is_open=True, derived_at__lt=before).order_by("derived_at")
    refs = [one.ticket_ref for one in known[:AT_ONCE]] + _unfollowed()
    for ref in refs:
        projection.follow(ref)
    return len(refs)


def _unfollowed() -> list[str]:
    """Return open tickets that nobody follows, page after page of all that are open."""
    reader = registry.reader("tickets")
    found: list[str] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = [one.ref for one in reader.open_tickets(limit=PAGE, after=after)]
        known = Followed.objects.filter(ticket_ref__in=page).values_list("ticket_ref", flat=True)
        found += sorted(set(page) - set(known))
        if len(page) < PAGE or len(found) >= AT_ONCE:
            break
        after = page[-1]
    return found[:AT_ONCE]


def _warnings(now: datetime) -> Iterable[Stopwatch]:
    """Return clocks that have used three quarters; what is over in time needs no warning."""
    return Stopwatch.objects.filter(
        warn_told=False, warn_at__lte=now, phase__in=["running", "paused"]
    ).order_by("warn_at")[:AT_ONCE]


def _breaches(now: datetime) -> Iterable[Stopwatch]:
    """Return clocks that are over their target, whether they still run or not."""
    over = now - SECOND
    return Stopwatch.objects.filter(breach_told=False, due_at__lte=over).order_by("due_at")[
        :AT_ONCE
    ]


class _NotDue(Exception):  # noqa: N818 - no error: it only undoes the line
    """The ticket moved meanwhile: the clock is not due after all."""


def _tell(row: Stopwatch, what: What) -> None:
    """Tell ticket and people of one clock; what fails is tried again with the next sweep."""
    try:
        with transaction.atomic():
            _tell_once(row, what)
    except _NotDue:
        return
    except (DatabaseError, AdapterError, LevelError) as fault:
        log.warning("%s of %s %s could not be told: %s", what, row.ticket_ref, row.kind, fault)


def _tell_once(row: Stopwatch, what: What) -> None:
    ref, kind = row.ticket_ref, cast("Kind", row.kind)
    # Once for each target: who is given another time may be warned of that one.
    key = f"{ref}:{kind}:{what}:{row.target_s}"
    given = terms.given(Stopwatch.objects.select_related("terms").get(pk=row.pk).terms.body)
    text = _TEXTS[what](kind, given, row.due_at)
    tickets.comment_by_rule(key=uuid5(NAMESPACE, key), ref=ref, rule=RULE, text=text, tainted=False)
    # The line holds the ticket's row, so that no passage can come in between.
    now = next((one for one in projection.derive(ref) if one.pk == row.pk), None)
    if now is None or not _is_due(now, what):
        raise _NotDue
    to = given.warn if what == "warn" else given.breach
    if to and not (what == "warn" and _is_due(now, "breach")):
        ticket = registry.reader("tickets").get(ref)
        title = f"{ticket.priority} {ref} {_TITLES[what]}: {ticket.title}"
        notices.tell(rule=RULE, key=key, ticket_ref=ref, title=title, text=text, to=to)
    Stopwatch.objects.filter(pk=row.pk).update(**{f"{what}_told": True})


def _is_due(row: Stopwatch, what: What) -> bool:
    now = clock()
    if what == "warn":
        return row.phase != "stopped" and row.warn_at is not None and row.warn_at <= now
    return row.due_at is not None and row.due_at <= now - SECOND


def _warning(kind: Kind, given: Given, due_at: datetime | None) -> str:
    return f"Three quarters of the {NAMES[kind].lower()} are used: {_promise(given, due_at)}."


def _breach(kind: Kind, given: Given, due_at: datetime | None) -> str:
    return f"The {NAMES[kind].lower()} is over: {_promise(given, due_at)}."


def _promise(given: Given, due_at: datetime | None) -> str:
    until = f", until {due_at:%H:%M} UTC on {due_at:%-d %B}" if due_at else ""
    if given.outside:
        return f"so the outside desk has it{until}"
    of = f" for {given.service}" if given.service else ""
    return f"{exactly(given.target_s)}{of} by {given.calendar_name}{until}"


_TEXTS: Final[Mapping[What, Callable[[Kind, Given, datetime | None], str]]] = {
    "warn": _warning,
    "breach": _breach,
}
_TITLES: Final[Mapping[What, str]] = {"warn": "has a quarter of its time left", "breach": "is late"}
