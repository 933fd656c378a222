"""Reading an iTop: each class whole and page by page, and in between only what its history names.

An answer that is empty, short or broken takes nothing away. What is missing after a whole reading
is asked for by id; what is then still missing is gone, unless it is more than one in twenty.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from adapters.cmdb.itop.history import (
    ABSENT,
    PAGE,
    ROOT,
    LivedTwice,
    Object,
    Peer,
    Said,
    keep,
    kept,
    look,
)
from adapters.cmdb.itop.kinds import KINDS, LINKS, SOURCE, Kind, Link, link, ref, thing
from adapters.errors import AdapterError
from adapters.rows import now, select

WHOLE_EVERY: Final = timedelta(days=1)
WITHOUT_HISTORY: Final = timedelta(minutes=15)
"""So often each class is read whole where the token may not read iTop's history."""


class ShortAnswerError(AdapterError):
    """iTop said how many there are, and returned fewer."""

    code = "cmdb.short_answer"
    hint = "Nothing was taken for deleted; it is read again. Look at iTop's memory_limit and log."


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one class did; `asks` where a person is asked about what is missing."""

    itop_class: str
    read: int = 0
    changed: int = 0
    fault: str = ""
    asks: bool = False


Source: TypeAlias = Kind | Link
_NOTHING: Final = Said(None, None)


def sync(peer: Peer, lived_twice: LivedTwice, *, whole: bool = False) -> tuple[Read, ...]:
    """Bring the rows up to date; `whole` reads every class from end to end."""
    began = now()
    stands = {row["their_class"]: row for row in select(_STANDS, [SOURCE])}
    mark = next((kept(row) for row in stands.values()), None)
    classes = [ROOT, *(of.itop_class for of in (*KINDS, *LINKS))]
    said = _NOTHING if whole else look(peer, lived_twice, mark, classes, began)
    named, known = _of_classes(said.ids), said.ids is not None or said.is_crowded
    whole = whole or (said.is_crowded and _is_long_ago(stands, began))
    done: list[Read] = []
    untouched: list[str] = []
    for of in (*KINDS, *LINKS):
        stand = stands.get(of.itop_class, {})
        if stand.get("state") == "asks":
            done.append(Read(of.itop_class, fault=str(stand["said"]), asks=True))
        elif whole or _is_due(stand, began, with_history=known):
            done.append(_kept(peer, of, began, None))
        elif named is not None and of.itop_class in named and stand.get("state") != "absent":
            done.append(_kept(peer, of, began, named[of.itop_class]))
        elif named is not None and stand.get("state") != "absent":
            untouched.append(of.itop_class)
            done.append(Read(of.itop_class))
    _well(untouched, began, whole=False)
    # What is too much to be read one by one is past once all has been read.
    if said.mark is not None and (whole or not said.is_crowded):
        keep(said.mark)
    return tuple(done)


def _of_classes(
    named: Mapping[str, Sequence[int]] | None,
) -> Mapping[str, Sequence[int]] | None:
    """Put what was deleted to the class that we know it by; what we never knew is left out."""
    if named is None or ROOT not in named:
        return named
    ids = {itop_class: set(those) for itop_class, those in named.items()}
    refs = [ref("ci", one) for one in ids.pop(ROOT)]
    for row in select(_DELETED, [SOURCE, refs]):
        ids.setdefault(row["their_class"], set()).add(row["their_id"])
    return {itop_class: sorted(those) for itop_class, those in ids.items()}


_DELETED: Final = """
    SELECT their_class, their_id FROM cmdb_known
    WHERE source = %s AND ref = ANY(%s) AND NOT gone
"""


# And how far the history was read, which goes with each.
_STANDS: Final = """
    SELECT s.their_class, s.state, s.whole_at, s.checked_at, s.said,
           m.date, m.number, m.new_at, m.looked_at
    FROM cmdb_synced s LEFT JOIN cmdb_historymark m ON m.source = s.source
    WHERE s.source = %s
"""


def _is_long_ago(stands: Mapping[str, Mapping[str, Any]], at: datetime) -> bool:
    """Tell whether no class was read whole just now: all of them again would be much."""
    whole_ats = [row["whole_at"] for row in stands.values()]
    return all(one is None or one < at - WITHOUT_HISTORY for one in whole_ats)


def _is_due(stand: Mapping[str, Any], at: datetime, *, with_history: bool) -> bool:
    """Tell whether a class is to be read from end to end. What failed is; it was never whole."""
    whole_at = stand.get("whole_at")
    if whole_at is None:
        return True
    every = WHOLE_EVERY if with_history else WITHOUT_HISTORY
    return bool(whole_at < at - every or (stand["state"] == "failed" and with_history))


def _kept(peer: Peer, of: Source, began: datetime, ids: Sequence[int] | None) -> Read:
    """Read one class, whole or these ids, and say how that went; one that fails stops no other."""
    try:
        done = _whole(peer, of) if ids is None else _some(peer, of, ids)
    except AdapterError as fault:
        absent = fault.code == ABSENT
        state, said = ("absent" if absent else "failed"), f"{fault.code}: {fault}"
        select("SELECT cmdb.synced(%s, %s, %s, %s, %s, %s)",
               [SOURCE, of.itop_class, state, absent, began, said])  # fmt: skip
        return Read(of.itop_class, fault=said)
    if not done.asks:
        _well([of.itop_class], began, whole=ids is None)
    return done


def _well(classes: Sequence[str], began: datetime, *, whole: bool) -> None:
    """Say that nothing of these classes is unknown up to when the look began: in one statement."""
    if classes:
        select("SELECT cmdb.synced(%s, one, 'well', %s, %s, '') FROM unnest(%s::text[]) AS one",
               [SOURCE, whole, began, list(classes)])  # fmt: skip


def _whole(peer: Peer, of: Source) -> Read:
    """Read every page, then look for what is missing."""
    there: set[int] = set()
    changed = 0
    for objects in _pages(peer, of):
        changed += _take(of, objects)
        there.update(one.id for one in objects)
    missing = select("SELECT their_id, live FROM cmdb.missing(%s, %s, %s::bigint[])",
                     [SOURCE, of.itop_class, sorted(there)])  # fmt: skip
    gone = [row["their_id"] for row in missing]
    if missing and len(gone) * 20 <= missing[0]["live"]:
        # A list that changes while it is read may skip one.
        found = _by_ids(peer, of, gone)
        changed += _take(of, found)
        gone = sorted(set(gone) - {one.id for one in found})
    return Read(of.itop_class, len(there), changed + len(gone), asks=not _lost(of, gone))


def _some(peer: Peer, of: Source, ids: Sequence[int]) -> Read:
    """Read these alone; what is not found is gone."""
    if not ids:
        return Read(of.itop_class)
    found = _by_ids(peer, of, ids)
    changed = _take(of, found)
    gone = sorted(set(ids) - {one.id for one in found})
    return Read(of.itop_class, len(found), changed, asks=not _lost(of, gone))


def _pages(peer: Peer, of: Source) -> Iterator[Sequence[Object]]:
    """Yield the pages of a class: one call for each thousand, and none is believed that is short.

    Raises:
        ShortAnswerError: a page holds fewer than iTop says there are.
    """
    number = 0
    while True:
        number += 1
        page = peer.get(of.itop_class, f"SELECT {of.itop_class}", of.asked, limit=PAGE, page=number)
        due = max(0, min(PAGE, page.total - (number - 1) * PAGE))
        if len(page.objects) < due:
            raise ShortAnswerError(
                f"{of.itop_class}: page {number} holds {len(page.objects)} of {due}."
            )
        yield page.objects
        if number * PAGE >= page.total:
            return


def _by_ids(peer: Peer, of: Source, ids: Sequence[int]) -> list[Object]:
    found: list[Object] = []
    for start in range(0, len(ids), PAGE):
        listed = ",".join(map(str, ids[start : start + PAGE]))
        query = f"SELECT {of.itop_class} WHERE id IN ({listed})"
        page = peer.get(of.itop_class, query, of.asked)
        if len(page.objects) < page.total:
            raise ShortAnswerError(f"{of.itop_class}: {len(page.objects)} of {page.total}.")
        found += page.objects
    return found


def _take(of: Source, objects: Sequence[Object]) -> int:
    """Write what differs; returns how many things did."""
    if not objects:
        return 0
    things: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for one in objects:
        if isinstance(of, Kind):
            row = thing(of, one.id, one.fields)
            links += row.pop("links")
            things.append(row)
        elif (said := link(of, one.id, one.fields)) is not None:
            links.append(said)
    (done,) = select("SELECT cmdb.take(%s, %s, %s::jsonb, %s::jsonb) AS changed",
                     [SOURCE, of.itop_class, json.dumps(things), json.dumps(links)])  # fmt: skip
    return int(done["changed"])


def _lost(of: Source, gone: Sequence[int]) -> bool:
    """Take away what is gone; False where that is more than is believed without a person."""
    if not gone:
        # What share of its class it is would be counted.
        return True
    (done,) = select("SELECT cmdb.lose(%s, %s, %s::bigint[]) AS believed",
                     [SOURCE, of.itop_class, list(gone)])  # fmt: skip
    return bool(done["believed"])
