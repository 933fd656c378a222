"""What the value of a CI's probe was in the last hour, and in the same hour a week before. Pure.

Readers are handed in. Numbers alone are given: labels and sentences of a monitor are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from adapters.json_value import JSON
from adapters.monitoring.port import Hour, Point, Probe, Reader

HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
PARTS: Final = 4
LEAST: Final = 3
"""So many points each part must have, before it is said which way they go."""
FARTHEST_H: Final = 168.0
"""Nobody acts on a limit that is farther away than a week."""
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "filesystem": ("max_percent", ""),
    "directory": ("max_bytes", ""),
    "prometheus": ("max", "min"),
}
"""Kinds of probes whose value fills up, or runs out -> their limits above and below. Times of
answers and load come and go, and are not reckoned on."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What is known of one probe's value."""

    probe: Probe
    lately: tuple[Point, ...]
    """Of the last hour, oldest first."""
    week: Hour | None


def look(monitoring: Reader, probe: Probe, now: datetime) -> Trend:
    """Return what is known of a probe's value by now."""
    lately = monitoring.course(probe.name, begin=now - HOUR, end=now)
    before = (now - WEEK).replace(minute=0, second=0, microsecond=0)
    return Trend(probe, lately, monitoring.hour(probe.name, before))


def facts(trend: Trend) -> dict[str, JSON]:
    """Return the facts of a question: a dozen numbers, and what is missing."""
    missing: list[JSON] = []
    found: dict[str, JSON] = {"trend.probe": trend.probe.name}
    if trend.lately:
        found |= _lately(trend.lately)
        found |= _pace(trend.probe, trend.lately)
    else:
        missing.append("hour")
    if trend.week is not None:
        found |= {
            "trend.week_min": _short(trend.week.low),
            "trend.week_median": _short(trend.week.middle),
            "trend.week_max": _short(trend.week.high),
        }
    else:
        missing.append("week_before")
    return found | ({"trend.missing": missing} if missing else {})


def _lately(points: Sequence[Point]) -> dict[str, JSON]:
    values = [point.value for point in points]
    return {
        "trend.points": len(points),
        "trend.minutes": round((points[-1].at - points[0].at).total_seconds() / 60, 1),
        "trend.min": _short(min(values)),
        "trend.median": _short(median(values)),
        "trend.max": _short(max(values)),
        "trend.last": _short(values[-1]),
    }


def _pace(probe: Probe, points: Sequence[Point]) -> dict[str, JSON]:
    """Return how fast a value goes one way, and when it is at its limit."""
    per_hour = pace(points)
    if per_hour is None:
        return {}
    found: dict[str, JSON] = {"trend.per_hour": _short(per_hour)}
    above, below = _LIMITS.get(probe.kind, ("", ""))
    limit = probe.params.get(above if per_hour > 0 else below)
    if not isinstance(limit, int | float):
        return found
    hours = (limit - points[-1].value) / per_hour
    found["trend.limit"] = limit
    # Past its limit already it is not on the way there.
    return found | ({"trend.hours_left": round(hours, 1)} if 0 < hours <= FARTHEST_H else {})


def pace(points: Sequence[Point]) -> float | None:
    """Return the change in an hour, where each quarter of the stretch goes on in one direction."""
    if len(points) < PARTS * LEAST:
        return None
    size = len(points) / PARTS
    parts = [points[round(n * size) : round((n + 1) * size)] for n in range(PARTS)]
    middles = [median(point.value for point in part) for part in parts]
    steps = [after - before for before, after in pairwise(middles)]
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        return None
    first, last = (median(point.at.timestamp() for point in parts[n]) for n in (0, -1))
    return (middles[-1] - middles[0]) / (last - first) * 3600 if last > first else None


def _short(value: float) -> float:
    """Return four digits of a number: more say nothing, and each takes room."""
    return float(f"{value:.4g}")
