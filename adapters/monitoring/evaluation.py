"""From samples to an alert that fires and resolves: a pure fold, one sample at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from adapters.monitoring.port import AlertStatus, Sample

Transition: TypeAlias = Literal["fired", "resolved"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many samples in a row fire and resolve, and how long a silence breaks a good run."""

    bad_after: int
    good_after: int
    silence: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a probe's alert stands after the samples so far.

    `first_bad_at` is the start of the current trouble: it stays through good blips while the
    alert fires, and goes when it resolves.
    """

    status: AlertStatus = "quiet"
    bad_run: int = 0
    good_run: int = 0
    first_bad_at: datetime | None = None
    good_since: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    last_sample_at: datetime | None = None


def fold(standing: Standing, sample: Sample, thresholds: Thresholds) -> Standing:
    """Return the standing after one more sample; one older than the last changes nothing.

    One that is older by more than a silence is not late: the clock was set back.
    """
    last = standing.last_sample_at
    if last is not None and timedelta() < last - sample.at <= thresholds.silence:
        return standing
    silent = last is not None and abs(sample.at - last) > thresholds.silence
    seen = replace(standing, last_sample_at=sample.at)
    if sample.ok:
        return _good(seen, sample.at, thresholds, silent=silent)
    return _bad(seen, sample.at, thresholds)


def transition(before: Standing, after: Standing) -> Transition | None:
    """Return what became of the alert between two standings."""
    if before.status != "firing" and after.status == "firing":
        return "fired"
    if before.status == "firing" and after.status == "resolved":
        return "resolved"
    return None


def _bad(standing: Standing, at: datetime, thresholds: Thresholds) -> Standing:
    after = replace(
        standing,
        bad_run=standing.bad_run + 1,
        good_run=0,
        good_since=None,
        first_bad_at=min(standing.first_bad_at or at, at),
    )
    if after.status == "firing" or after.bad_run < thresholds.bad_after:
        return after
    return replace(after, status="firing", starts_at=at, ends_at=None)


def _good(standing: Standing, at: datetime, thresholds: Thresholds, *, silent: bool) -> Standing:
    fresh = silent or standing.good_run == 0
    after = replace(
        standing,
        bad_run=0,
        good_run=1 if fresh else standing.good_run + 1,
        good_since=at if fresh else standing.good_since,
    )
    if after.status != "firing":
        return replace(after, first_bad_at=None)
    if after.good_run < thresholds.good_after:
        return after
    ends_at = max(at, standing.starts_at or at)
    return replace(after, status="resolved", ends_at=ends_at, first_bad_at=None)
