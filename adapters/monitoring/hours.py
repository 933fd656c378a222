"""What each probe's value was, hour by hour, for eight days: of our samples, and of its Prometheus.

Agents have no way to a server of others, and samples are kept for a day. So whoever sweeps keeps
three numbers of each whole hour, and asks a Prometheus for hours of a week ago that nobody kept.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from django.db import connection

from adapters.monitoring.changes import finite, whole
from adapters.monitoring.errors import RangeError
from adapters.monitoring.models import PastHour, Probe
from adapters.monitoring.port import Hour, Point, Series
from adapters.monitoring.ranges import History
from adapters.rows import now

HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
KEEP: Final = timedelta(days=8)
SAMPLES: Final = timedelta(hours=24)
"""Samples are not kept for longer."""
TIMEOUT_S: Final = 5.0
BUDGET_S: Final = 30.0
"""So long servers are asked at once; the next time goes on with those that are still missing."""

_ROLL: Final = """
    INSERT INTO public.monitoring_pasthour (probe_id, begin, low, middle, high, points)
    SELECT probe_id, begin, min(value), percentile_cont(0.5) WITHIN GROUP (ORDER BY value),
           max(value), count(*)
    FROM (SELECT probe_id, value, date_trunc('hour', at, 'UTC') AS begin
            FROM public.monitoring_sample
           WHERE value IS NOT NULL AND at >= %s AND at < %s) AS seen
    GROUP BY probe_id, begin
    ON CONFLICT (probe_id, begin) DO NOTHING
"""


def keep_hours() -> int:
    """Keep what is not kept yet of hours that are over; returns how many rows came."""
    at = now()
    came = _of_samples(whole(at)) + _of_servers(whole(at) - WEEK)
    PastHour.objects.filter(begin__lt=at - KEEP).delete()
    return came


def _of_samples(until: datetime) -> int:
    newest = PastHour.objects.filter(begin__gte=until - SAMPLES).order_by("-begin").first()
    since = newest.begin + HOUR if newest else until - SAMPLES
    if since >= until:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_ROLL, [since, until])
        return int(cursor.rowcount)


def _of_servers(begin: datetime) -> int:
    """Ask for this hour and the next, with which the coming looks are compared."""
    asked = [begin, begin + HOUR]
    ends, away, came = time.monotonic() + BUDGET_S, set[str](), 0
    for probe in Probe.objects.filter(kind="prometheus", retired=False).order_by("name"):
        url = str(probe.params["url"])
        kept = PastHour.objects.filter(probe=probe, begin__in=asked)
        missing = set(asked) - set(kept.values_list("begin", flat=True))
        if not missing or url in away or time.monotonic() > ends:
            continue
        try:
            found = History(url, TIMEOUT_S).series(
                str(probe.params["query"]), begin=asked[0], end=asked[-1] + HOUR
            )
        except RangeError:
            # What is not there is said to be missing; the next time asks again.
            away.add(url)
            continue
        # A server may add what was at the very end, which is of another hour.
        hours = [one for one in told(worst(found, probe.params)) if one.begin in missing]
        _put(probe, hours)
        came += len(hours)
    return came


def worst(found: Iterable[Series], params: Mapping[str, object]) -> tuple[Point, ...]:
    """Return of several series what a probe goes by at each time: the highest, or lowest. Pure."""
    at: dict[datetime, list[float]] = defaultdict(list)
    for one in found:
        for point in finite(one.points):
            at[point.at].append(point.value)
    of = min if params.get("max") is None and params.get("min") is not None else max
    return tuple(Point(moment, of(values)) for moment, values in sorted(at.items()))


def told(points: Iterable[Point]) -> Iterator[Hour]:
    """Return what each hour comes to. Pure."""
    by_hour: dict[datetime, list[float]] = defaultdict(list)
    for point in points:
        by_hour[whole(point.at)].append(point.value)
    for begin, values in by_hour.items():
        yield Hour(begin, min(values), median(values), max(values), len(values))


def _put(probe: Probe, hours: Iterable[Hour]) -> None:
    rows = [
        PastHour(probe=probe, begin=one.begin, low=one.low, middle=one.middle, high=one.high,
                 points=one.points)
        for one in hours
    ]  # fmt: skip
    PastHour.objects.bulk_create(rows, ignore_conflicts=True)
