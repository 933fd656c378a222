"""The arithmetic of the figures. Pure; an oracle of its own recounts it in the tests.

Whatever needs time to show itself (that a trouble comes back, that a change has done harm) counts
once that time is over, well or not: else young failures would be counted beside old successes.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ethops.figures.facts import ACTORS, Actor, Change, Incident, Promise, Repair

BACK_WITHIN: Final = timedelta(days=7)
"""A trouble that comes again so soon was not mended."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in seconds: how often, mean, median, and nine of ten at most."""

    count: int
    mean_s: float
    median_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Share:
    """`good` of `of`; of `too_soon` more nobody can say yet."""

    good: int = 0
    of: int = 0
    too_soon: int = 0

    @property
    def share(self) -> float | None:
        """Return it as a number from 0 to 1; None of nothing."""
        return self.good / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class FirstTime:
    """How often an entry was the first thing tried, and all that was needed."""

    entry: str
    right: int
    of: int
    unknown: int


def spread(values: Iterable[float]) -> Spread | None:
    """Return how long things took; None where there were none. What is negative is 0."""
    found = sorted(max(value, 0.0) for value in values)
    if not found:
        return None
    middle = len(found) // 2
    median = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    return Spread(
        count=len(found),
        mean_s=math.fsum(found) / len(found),
        median_s=median,
        p90_s=found[math.ceil(0.9 * len(found)) - 1],
    )


def detect(incidents: Iterable[Incident]) -> Spread | None:
    """Return how long it took from the first bad sample until there was an incident."""
    return spread(
        _seconds(one.first_bad_at, one.opened_at)
        for one in incidents
        if one.first_bad_at is not None
    )


def acknowledge(incidents: Iterable[Incident], by: Actor | None = None) -> Spread | None:
    """Return how long it took from the incident until somebody took it."""
    return spread(
        _seconds(one.opened_at, one.taken_at)
        for one in incidents
        if one.taken_at is not None and by in (None, one.taken_by)
    )


def repair(incidents: Iterable[Incident], by: frozenset[Actor]) -> Spread | None:
    """Return how long it took from the first bad sample until it was well, by who mended it.

    Well for good: of an incident that was opened again, the end of its last time counts.
    """
    found = []
    for one in incidents:
        last = one.episodes[-1]
        if one.first_bad_at is not None and last.well_from is not None and last.by in by:
            found.append(_seconds(one.first_bad_at, last.well_from))
    return spread(found)


def reopened(incidents: Iterable[Incident], now: datetime) -> Mapping[Actor, Share]:
    """Return by who mended it how many resolutions were undone within the time for that."""
    return _resolutions(
        incidents,
        now,
        lambda incident, resolved: any(
            resolved < later.began <= resolved + BACK_WITHIN for later in incident.episodes[1:]
        ),
    )


def came_back(incidents: Sequence[Incident], now: datetime) -> Mapping[Actor, Share]:
    """Return by who mended it after how many resolutions the same cause was there again.

    As another incident, or because this one was opened again.
    """
    began: dict[str, list[datetime]] = {}
    for one in incidents:
        began.setdefault(one.cause, []).extend(each.began for each in one.episodes)
    return _resolutions(
        incidents,
        now,
        lambda incident, resolved: any(
            resolved < at <= resolved + BACK_WITHIN for at in began[incident.cause]
        ),
    )


def _resolutions(
    incidents: Iterable[Incident], now: datetime, is_so: Callable[[Incident, datetime], bool]
) -> Mapping[Actor, Share]:
    counted = dict.fromkeys(ACTORS, Share())
    for incident in incidents:
        for one in incident.episodes:
            if one.resolved_at is not None:
                ripe = one.resolved_at + BACK_WITHIN <= now
                counted[one.by] = _more(
                    counted[one.by], ripe=ripe, good=is_so(incident, one.resolved_at)
                )
    return counted


def succeeded(
    changes: Iterable[Change], incidents: Sequence[Incident], now: datetime
) -> Mapping[Actor, Share]:
    """Return by who made them how many changes did what they should, and no harm after it."""
    counted = dict.fromkeys(ACTORS, Share())
    near = Neighbours(incidents)
    for one in changes:
        good = one.successful and not followed(one, near.of(one))
        counted[one.by] = _more(counted[one.by], ripe=one.watched_until <= now, good=good)
    return counted


class Neighbours:
    """Incidents by what they name, so that a change is held only against those it may concern."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        """Sort them by CI and by name."""
        self._by_name: dict[str, Incident] = {}
        self._by_ci: dict[str, list[Incident]] = {}
        for one in incidents:
            self._by_name[one.ref] = one
            for ci in one.cis:
                self._by_ci.setdefault(ci, []).append(one)

    def of(self, change: Change) -> Iterable[Incident]:
        """Return the incidents of its CIs, and those that are said to come of it."""
        named = [self._by_name[ref] for ref in change.followed_by if ref in self._by_name]
        return [*named, *(one for ci in change.cis for one in self._by_ci.get(ci, ()))]


def followed(change: Change, incidents: Iterable[Incident]) -> bool:
    """Tell whether an incident of one of its CIs began during a change, or too soon after it.

    The incident that it was made for counts only where it is opened again after the change.
    """
    for incident in incidents:
        if incident.ref in change.followed_by:
            return True
        if change.cis.isdisjoint(incident.cis):
            continue
        own = incident.ref in change.solves
        times = incident.episodes[1:] if own else incident.episodes
        after = change.ended if own else change.began
        if any(after < each.began <= change.watched_until for each in times):
            return True
    return False


def first_time_right(repairs: Iterable[Repair]) -> list[FirstTime]:
    """Return by entry how often the first thing tried for an incident was right and enough."""
    by_ticket: dict[str, list[Repair]] = {}
    for one in sorted(repairs, key=lambda one: one.settled):
        if not one.healed_alone:
            by_ticket.setdefault(one.ticket, []).append(one)
    counted: dict[str, list[int]] = {}
    for first, *more in by_ticket.values():
        right, of, unknown = counted.setdefault(first.entry, [0, 0, 0])
        if first.done and first.verdict in ("", "unknown"):
            counted[first.entry] = [right, of, unknown + 1]
        else:
            good = first.done and first.verdict == "right" and not more
            counted[first.entry] = [right + good, of + 1, unknown]
    return [FirstTime(entry, *numbers) for entry, numbers in sorted(counted.items())]


def kept(promises: Iterable[Promise]) -> Mapping[tuple[str, str], Share]:
    """Return by class and clock how many promises were kept."""
    counted: dict[tuple[str, str], Share] = {}
    for one in promises:
        key = (one.ticket_class, one.kind)
        known = counted.get(key, Share())
        counted[key] = Share(known.good + one.number * one.kept, known.of + one.number)
    return counted


def together(shares: Mapping[Actor, Share]) -> Share:
    """Return what all actors come to."""
    found = shares.values()
    return Share(
        sum(one.good for one in found),
        sum(one.of for one in found),
        sum(one.too_soon for one in found),
    )


def _more(share: Share, *, ripe: bool, good: bool) -> Share:
    if not ripe:
        return Share(share.good, share.of, share.too_soon + 1)
    return Share(share.good + good, share.of + 1, share.too_soon)


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()
