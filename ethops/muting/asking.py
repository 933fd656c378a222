"""Has silences made and ended, until Alertmanager has them as they are wanted."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from adapters.rows import now as clock
from adapters.text import one_line
from ethops.muting.matchers import Matcher
from ethops.muting.models import Muting
from personas.models import Action

AT_ONCE: Final = 200
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=10)
LOOK_AGAIN: Final = timedelta(seconds=2)
LONGEST_MATCHERS: Final = 8_000
"""Characters that `gate.order_silence` takes."""
TOLD_AFTER: Final = 2
"""Orders in a row that came to nothing, after which a person is told."""


@dataclass(frozen=True, slots=True)
class Place:
    """One Alertmanager that the site declares."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The window: in whose name, from when until when, over what, and why."""

    window: int
    person: str
    why: str
    begins_at: datetime
    ends_at: datetime
    cis: tuple[str, ...] = ()


def want(window: int, begins_at: datetime, until: datetime, places: Collection[Place],
         silences: Sequence[Sequence[Matcher]]) -> None:  # fmt: skip
    """Write down, in the caller's transaction, which silences a window wants."""
    Muting.objects.bulk_create(
        Muting(window=window, number=number, alertmanager=place.name, url=place.url,
               matchers=list(matchers), begins_at=begins_at, until=until)
        for place in places
        for number, matchers in enumerate(silences)
        # What the door would not take is held back by the window itself alone.
        if len(json.dumps(matchers)) <= LONGEST_MATCHERS
    )  # fmt: skip


def end(window: int, at: datetime) -> None:
    """Write down, in the caller's transaction, that they are to end."""
    Muting.objects.filter(window=window, until__gt=at).update(
        until=at, next_at=at, tries=0, agreed=False
    )


def due() -> list[int]:
    """Return the windows some of whose silences are not as they are wanted."""
    rows = _due(clock())
    return sorted(set(rows.values_list("window", flat=True)[:AT_ONCE]))


def mind(wanted: Wanted) -> list[Muting]:
    """Order what a window is due, once each; returns those that people should know of."""
    late: list[Muting] = []
    for pk in _due(clock()).filter(window=wanted.window).values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            row = Muting.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is not None and _mind_one(row, wanted):
                late.append(row)
    return late


def _due(at: datetime) -> QuerySet[Muting]:
    # What is over, and over for Alertmanager too, needs nobody's doing.
    lasts = Q(until__gt=at) | Q(may_until__gt=at)
    return Muting.objects.filter(lasts, agreed=False, next_at__lte=at).order_by("next_at")


def _mind_one(row: Muting, wanted: Wanted) -> bool:
    """Take in what came of the last order, or give the next; True where it came to nothing."""
    if row.action is None:
        row.action, row.asked_until = _order(row, wanted), row.until
        row.may_until = max(row.may_until or row.until, row.until)
        row.save(update_fields=["action", "asked_until", "may_until"])
        return False
    now = clock()
    action = Action.objects.filter(pk=row.action).values("outcome", "result").first()
    if action is None or not action["outcome"]:
        row.next_at = now + LOOK_AGAIN
        row.save(update_fields=["next_at"])
        return False
    row.action, row.said = None, one_line(str(action["result"].get("said", "")), 300)
    done = action["outcome"] == "done"
    if not done:
        row.tries += 1
        row.next_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row.tries - 1, 10))
    elif row.asked_until == row.until:
        row.agreed, row.may_until, row.tries = True, row.until, 0
    row.save(update_fields=["action", "said", "tries", "next_at", "agreed", "may_until"])
    return not done and row.tries >= TOLD_AFTER


def _order(row: Muting, wanted: Wanted) -> UUID | None:
    args: Mapping[str, str] = {
        "key": str(row.pk),
        "url": row.url,
        "matchers": json.dumps(row.matchers, ensure_ascii=True, sort_keys=True),
        "begins": row.begins_at.isoformat(),
        "ends": row.until.isoformat(),
        "why": one_line(wanted.why, 300),
    }
    key = str(uuid5(row.pk, f"{row.until}:{row.tries}:{clock()}"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gate.order_silence(%s, %s, %s::jsonb, %s::jsonb)",
            [wanted.person, key, json.dumps(list(wanted.cis)[:64]), json.dumps(args)],
        )
        found = cursor.fetchone()
    return found[0] if found else None
