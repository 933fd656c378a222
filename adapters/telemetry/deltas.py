"""What differs on a CI from what osquery found there before: rows that came and went. Pure.

Differential results are added up: what came and went again is no difference. Of snapshots the
newest is held against the one that was there when the stretch began.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from adapters.telemetry.osquery import Action, Row
from adapters.telemetry.port import Delta


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it is kept, of one CI."""

    query: str
    action: Action
    at: datetime
    counter: int
    rows: tuple[Row, ...]
    whole: bool


def of(
    kept: Iterable[Kept], since: datetime, *, shown: int, lost: bool = False
) -> tuple[Delta, ...]:
    """Return the difference of each query that has one or could not be told, by query.

    `lost`: not all that was kept is here, so that no difference is the whole of it.
    """
    ordered = sorted(kept, key=lambda one: (one.query, one.at))
    return tuple(
        delta
        for query, group in groupby(ordered, key=attrgetter("query"))
        for delta in _of_query(query, list(group), since, shown, lost=lost)
        if delta.came or delta.went or not delta.whole
    )


def _of_query(
    query: str, kept: Sequence[Kept], since: datetime, shown: int, *, lost: bool
) -> Iterator[Delta]:
    steps = [one for one in kept if one.action != "snapshot" and one.at >= since]
    if steps:
        # At counter 0 osquery says what there is, not what changed.
        news = [one for one in steps if one.counter > 0]
        began = len(news) < len(steps)
        whole = not began and all(one.whole for one in news)
        yield _delta(query, _net(news), since, steps[-1].at, shown, whole=whole and not lost)
    pictures = [one for one in kept if one.action == "snapshot"]
    if pictures:
        newest = pictures[-1].at
        base = max((one.at for one in pictures if one.at <= since), default=pictures[0].at)
        after = [one for one in pictures if one.at == newest]
        before = [one for one in pictures if one.at == base]
        whole = all(one.whole for one in (*before, *after)) and not lost
        net = _count(after)
        net.subtract(_count(before))
        yield _delta(query, net, base, newest, shown, whole=whole)


def _net(steps: Iterable[Kept]) -> Counter[str]:
    net: Counter[str] = Counter()
    for one in steps:
        sign = 1 if one.action == "added" else -1
        for row in one.rows:
            net[_text(row)] += sign
    return net


def _count(pictures: Iterable[Kept]) -> Counter[str]:
    return Counter(_text(row) for one in pictures for row in one.rows)


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True)


def _delta(
    query: str, net: Counter[str], begin: datetime, end: datetime, shown: int, *, whole: bool
) -> Delta:
    came = [row for row, count in sorted(net.items()) for _ in range(count)]
    went = [row for row, count in sorted(net.items()) for _ in range(-count)]
    return Delta(
        query=query,
        begin=begin,
        end=end,
        came=len(came),
        went=len(went),
        added=tuple(json.loads(row) for row in came[:shown]),
        removed=tuple(json.loads(row) for row in went[:shown]),
        whole=whole,
    )
