"""What has become of a value since a day ago: medians of two windows, compared. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from adapters.monitoring.declared import ChangeParams
from adapters.monitoring.port import Change, Point, Series, Symptom
from adapters.text import one_line

MOST_POINTS: Final = 60
"""Per window and series: a median of more says nothing else."""
MOST_SERIES: Final = 200
NAMED: Final = 120
LEAST_STEP_S: Final = 1.0


def step_s(window_s: float) -> float:
    """Return how far apart points are asked for, so that there are at most MOST_POINTS."""
    return max(LEAST_STEP_S, window_s / (MOST_POINTS - 1))


def changes(then: Sequence[Series], now: Sequence[Series]) -> tuple[Change, ...]:
    """Return what became of each series; None where it was, or is, not there."""
    before, after = _medians(then), _medians(now)
    names = sorted(before.keys() | after.keys())
    return tuple(Change(dict(name), before.get(name), after.get(name)) for name in names)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sample of a probe says of changes."""

    symptom: Symptom
    value: float | None
    said: str


def judge(params: ChangeParams, found: Sequence[Change]) -> Verdict:
    """Say whether every series stayed within its limits; the one that moved most is named."""
    gone = [one for one in found if one.now is None]
    if gone and params.empty == "bad":
        return Verdict("wrong_content", None, f"{_name(gone[0])} was there, and is not any more.")
    both = [one for one in found if one.by is not None]
    if not both:
        symptom: Symptom = "ok" if params.empty == "ok" else "wrong_content"
        return Verdict(
            symptom, None, "There is nothing to compare: then, or now, it finds nothing."
        )
    risen = [one for one in both if _over(one, params.max_rise, params.max_rise_percent)]
    fallen = [
        one for one in both if _over(_upside_down(one), params.max_fall, params.max_fall_percent)
    ]
    if risen:
        return _said("over_threshold", risen, len(both), params.ago_s)
    if fallen:
        return _said("under_threshold", fallen, len(both), params.ago_s)
    return _said("ok", both, len(both), params.ago_s)


def _over(one: Change, most: float | None, most_percent: float | None) -> bool:
    """Tell whether it rose by more than it may, in itself or of what it was."""
    by, then = one.by or 0.0, abs(one.then or 0.0)
    if most is not None and by > most:
        return True
    # From nothing, any rise is more than so many percent of it.
    return most_percent is not None and by > 0 and by * 100 > most_percent * then


def _upside_down(one: Change) -> Change:
    then, now = one.then or 0.0, one.now or 0.0
    return Change(one.labels, -then, -now)


def _said(symptom: Symptom, among: Sequence[Change], count: int, ago_s: float) -> Verdict:
    one = max(among, key=lambda each: abs(each.by or 0.0))
    of = f", of {count} series" if count > 1 else ""
    limits = "within its limits" if symptom == "ok" else "more than it may"
    was = f"{_name(one)} is {one.now:g} and was {one.then:g} {ago_s / 3600:g} h ago"
    return Verdict(symptom, one.by, f"{was}: {limits}{of}.")


def finite(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return the points that are numbers: a Prometheus also tells NaN and infinity."""
    return tuple(point for point in points if math.isfinite(point.value))


def whole(at: datetime) -> datetime:
    """Return when the hour began that a moment lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def _medians(found: Sequence[Series]) -> Mapping[tuple[tuple[str, str], ...], float]:
    known = {
        tuple(sorted(one.labels.items())): [point.value for point in finite(one.points)]
        for one in found
    }
    return {name: median(values) for name, values in known.items() if values}


def _name(one: Change) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
    return one_line(labels, NAMED) or "The value"
