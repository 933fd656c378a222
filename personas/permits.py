"""Reads about permits that were used on hosts: who may have been where, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import Q

from audit.models import Work
from personas.models import Action, CatalogueEntry

VERB: Final = "playbook.run"
"""The one verb that acts on hosts."""
MARGIN: Final = timedelta(minutes=5)
"""What a play may take to begin, and to be ended where it runs out of time."""


@dataclass(frozen=True, slots=True)
class Used:
    """An authorised effect on a host that the executor has claimed.

    `ended_at` is when it was settled, or when it must have been over: nobody settles at once what
    is in doubt, and nothing of it runs any more. None while it may still run.
    """

    id: UUID
    ticket_ref: str
    target: str
    host: str
    """The host that it said it ran on, "" where it said nothing."""
    claimed_at: datetime
    ended_at: datetime | None
    is_done: bool
    sudo: tuple[str, ...] | None
    """Patterns of what its catalogue entry runs by sudo, None where it does not say."""


def used_since(since: datetime, *, now: datetime) -> list[Used]:
    """Return the permits that were claimed or were still running at or after `since`."""
    actions = Action.objects.filter(verb=VERB, work__claimed_at__isnull=False).filter(
        Q(work__claimed_at__gte=since)
        | Q(work__settled_at__gte=since)
        | Q(work__settled_at__isnull=True)
    )
    entries = {entry.name: entry for entry in CatalogueEntry.objects.all()}
    return [
        _used(action, entries.get(action.entry), now)
        for action in actions.select_related("work").order_by("work__claimed_at")
    ]


def _used(action: Action, entry: CatalogueEntry | None, now: datetime) -> Used:
    work = cast("Work", action.work)
    claimed_at = cast("datetime", work.claimed_at)
    ends = [work.settled_at] if work.settled_at else []
    if entry is not None:
        latest = claimed_at + timedelta(seconds=entry.timeout_s) + MARGIN
        ends += [latest] if latest < now else []
    return Used(
        id=action.id,
        ticket_ref=action.ticket_ref,
        target=action.target,
        host=str(action.result.get("host", "")),
        claimed_at=claimed_at,
        ended_at=min(ends, default=None),
        is_done=action.outcome == "done",
        sudo=None if entry is None else _sudo(entry.document),
    )


def _sudo(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    said = document.get("sudo")
    return None if said is None else tuple(str(pattern) for pattern in said)
