"""Learns from ended runs: reads their entries' bytes, and only where those were verified."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from adapters import registry
from audit.ledger.merkle import leaf_hash, node_hash
from audit.models import Entry
from personas.memory import episodes
from personas.memory.episodes import Draft, Episode, Said
from personas.memory.models import Learned
from personas.models import Run

QUIET: Final = timedelta(minutes=10)
"""So long a trouble must stay away before its remedy counts as one."""
GIVE_UP: Final = timedelta(days=7)
"""A run whose entries were not verified in so long teaches nothing."""
MOST_AT_ONCE: Final = 20
MOST_ENTRIES: Final = 2_000
KEEP_DAYS: Final = 365


def learn_some(now: datetime | None = None) -> int:
    """Learn from runs that ended a while ago; returns from how many."""
    moment = now or timezone.now()
    seen = Learned.objects.values("run")
    runs = Run.objects.filter(ended_at__lt=moment - QUIET, ended_at__gt=moment - 2 * GIVE_UP)
    waiting = list(runs.exclude(id__in=seen).order_by("ended_at")[:MOST_AT_ONCE])
    if not waiting:
        return 0
    verified = _number("SELECT memory.verified_to()")
    return sum(_learn(run, verified, moment) for run in waiting)


def _learn(run: Run, verified: int, now: datetime) -> bool:
    entries = list(Entry.objects.filter(ticket_ref=run.ticket_ref).order_by("seq")[:MOST_ENTRIES])
    ended = next((e for e in entries if (e.kind, e.subject) == ("run.ended", str(run.id))), None)
    if ended is None or any(e.seq > verified for e in entries if e.seq <= ended.seq):
        # Not written or not verified yet: it is looked at again, but not for ever.
        if run.ended_at is not None and now - run.ended_at > GIVE_UP:
            _keep(run, [], "its entries were never verified")
        return False
    if not all(map(_holds, entries)):
        _keep(run, [], "an entry's bytes do not give its hash")
        return False
    found = episodes.episode(str(run.id), map(_said, entries))
    if found is None:
        _keep(run, [], "its entries do not tell its end")
        return False
    drafts = episodes.drafts(found, ci_class=_ci_class(found), came_back=_came_back(found, ended))
    _keep(run, drafts, f"{len(drafts)} items")
    return True


def _keep(run: Run, drafts: Iterable[Draft], said: str) -> None:
    _number(
        "SELECT memory.learn(%s, %s, %s::jsonb, %s)",
        [run.id, run.ticket_ref, json.dumps([one.as_json() for one in drafts]), said],
    )


def _ci_class(of: Episode) -> str:
    found = registry.reader("cmdb").by_refs([of.ci]) if of.ci else ()
    return found[0].ci_class if found else ""


def _came_back(of: Episode, ended: Entry) -> bool:
    """Tell whether the same cause raised an incident again within the quiet time."""
    later = Entry.objects.filter(
        kind="ticket.opened", seq__gt=ended.seq, at__lt=ended.at + QUIET
    ).order_by("seq")[:MOST_ENTRIES]
    return bool(of.cause) and any(_body(one).get("cause") == of.cause for one in later)


def forget() -> int:
    """Let go of evidence whose entry is gone or old; returns how much."""
    return _number("SELECT memory.forget(%s)", [KEEP_DAYS])


def forget_item(*, item: UUID, by: str, why: str) -> bool:
    """Take an item away at a named person's word, on record; False where there is none."""
    return bool(_number("SELECT memory.forget_item(%s, %s, %s)::int", [item, by, why]))


def helped() -> dict[UUID, tuple[int, int, int, int]]:
    """Return by item: runs that were given it, of these well; runs that were not, of these well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT item_id, given, given_well, without, without_well FROM memory.helped()"
        )
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in cursor.fetchall()}


def _said(of: Entry) -> Said:
    return Said(of.seq, bytes(of.hash).hex(), of.kind, of.subject, of.at, _body(of))


def _body(of: Entry) -> Mapping[str, Any]:
    try:
        body = json.loads(bytes(of.body)).get("body")
    except (ValueError, RecursionError, AttributeError):
        return {}
    return body if isinstance(body, dict) else {}


def _holds(of: Entry) -> bool:
    return node_hash(bytes(of.prev), leaf_hash(bytes(of.body))) == bytes(of.hash)


def _number(statement: str, parameters: Any = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0] or 0)
