"""Figures of the queue over a span of time: waits, swaps, tokens, how right the quotes were."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import connection

from gpu.tiers import TIERS, Tier

Bound: TypeAlias = datetime | float


@dataclass(frozen=True, slots=True)
class TierFigures:
    """What became of the requests of one tier that ended in the span; waits in seconds."""

    tier: Tier
    ended: int = 0
    done: int = 0
    swapped: int = 0
    preemptions: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    waited: int = 0
    wait_p50: float | None = None
    wait_p95: float | None = None
    wait_max: float | None = None
    open: int = 0
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class QuoteError:
    """Real start less quoted start, in seconds; `late_s` is the mean: above 0 it came later."""

    quotes: int
    off_s: float
    late_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole span, by tier; `quotes` has only tiers of which a quoted request began.

    `quoted` is the error over all tiers.
    """

    since: datetime
    until: datetime
    tiers: Mapping[Tier, TierFigures]
    loads: int
    load_s: float
    quotes: Mapping[Tier, QuoteError]
    quoted: QuoteError | None

    @property
    def ended(self) -> int:
        """All requests that ended."""
        return sum(one.ended for one in self.tiers.values())

    @property
    def swaps_per_100(self) -> float | None:
        """Loads per hundred requests; None where none ended."""
        return 100 * self.loads / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class Lines:
    """One value per step and tier; None where there was nothing to measure."""

    times: tuple[datetime, ...]
    waiting: Mapping[Tier, tuple[int, ...]]
    wait_p95: Mapping[Tier, tuple[float | None, ...]]


_ENDED = """
    SELECT j.tier, count(*), count(*) FILTER (WHERE w.state = 'done'),
           count(*) FILTER (WHERE j.swapped), coalesce(sum(j.preemptions), 0),
           coalesce(sum(j.tokens_in), 0), coalesce(sum(j.tokens_out), 0), count(j.wait_s),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY j.wait_s),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY j.wait_s), max(j.wait_s)
      FROM gpu_job j JOIN audit_work w ON w.id = j.id
     WHERE j.finished_at >= %(since)s AND j.finished_at < %(until)s
     GROUP BY j.tier
"""
_OPEN = """
    SELECT j.tier, count(*), extract(epoch FROM clock_timestamp() - min(w.created_at))::float8
      FROM audit_work w JOIN gpu_job j ON j.id = w.id
     WHERE w.kind = 'inference' AND w.state IN ('waiting', 'ready')
     GROUP BY j.tier
"""
_LOADS = """
    SELECT count(*), coalesce(sum(extract(epoch FROM ended_at - began_at)), 0)::float8
      FROM gpu_piece WHERE kind = 'load' AND began_at >= %(since)s AND began_at < %(until)s
"""
_QUOTES = """
    SELECT tier, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(off)), avg(off)
      FROM (SELECT tier, extract(epoch FROM started_at - quoted_start)::float8 AS off
              FROM gpu_job
             WHERE finished_at >= %(since)s AND finished_at < %(until)s
               AND started_at IS NOT NULL AND quoted_start IS NOT NULL) AS told
     GROUP BY GROUPING SETS ((tier), ())
    HAVING count(*) > 0
"""
# A request waits from its arrival to the first time the card begins with it, or to its end.
_STEPS = """
    WITH open AS (
        SELECT tier, created_at AS came, coalesce(started_at, finished_at) AS went, wait_s,
               started_at
          FROM gpu_job
         WHERE created_at < %(until)s AND (finished_at IS NULL OR finished_at >= %(since)s))
    SELECT tier, step, sum(came)::int, sum(went)::int,
           (array_agg(p95) FILTER (WHERE p95 IS NOT NULL))[1]
      FROM (SELECT tier, {came} AS step, count(*) AS came, 0 AS went, NULL::float8 AS p95
              FROM open WHERE went IS NULL OR went >= %(since)s GROUP BY 1, 2
            UNION ALL
            SELECT tier, {went}, 0, count(*), NULL
              FROM open WHERE went >= %(since)s AND went < %(until)s GROUP BY 1, 2
            UNION ALL
            SELECT tier, {went}, 0, 0, percentile_cont(0.95) WITHIN GROUP (ORDER BY wait_s)
              FROM open WHERE started_at >= %(since)s AND started_at < %(until)s
             GROUP BY 1, 2) AS changes
     GROUP BY tier, step
"""
_STEP = "greatest(0, floor(extract(epoch FROM {at} - %(since)s) / %(step)s))::int"


def figures(since: datetime, until: datetime) -> Figures:
    """Count what ended in a span, and what waits now; four queries whatever its length."""
    span = {"since": since, "until": until}
    ended = {row[0]: row[1:] for row in _rows(_ENDED, span)}
    waiting = {row[0]: row[1:] for row in _rows(_OPEN, {})}
    ((loads, load_s),) = _rows(_LOADS, span)
    quotes = {row[0]: QuoteError(*row[1:]) for row in _rows(_QUOTES, span)}
    return Figures(
        since=since,
        until=until,
        tiers={
            tier: TierFigures(
                tier, *(ended.get(tier) or (0,) * 7 + (None,) * 3), *waiting.get(tier, (0, None))
            )
            for tier in TIERS
        },
        loads=loads,
        load_s=load_s,
        quotes={tier: quotes[tier] for tier in TIERS if tier in quotes},
        quoted=quotes.get(None),
    )


def lines(since: datetime, until: datetime, steps: int) -> Lines:
    """Return how many waited at the end of each step, and the waits of those that began in it."""
    step = (until - since) / steps
    came, went = (_STEP.format(at=at) for at in ("came", "went"))
    span: dict[str, Bound] = {"since": since, "until": until, "step": step.total_seconds()}
    change: dict[tuple[str, int], int] = {}
    p95: dict[tuple[str, int], float] = {}
    for tier, at, arrived, left, wait in _rows(_STEPS.format(came=came, went=went), span):
        change[tier, at] = arrived - left
        p95[tier, at] = wait
    return Lines(
        times=tuple(since + step * (n + 1) for n in range(steps)),
        waiting={tier: _summed([change.get((tier, n), 0) for n in range(steps)]) for tier in TIERS},
        wait_p95={tier: tuple(p95.get((tier, n)) for n in range(steps)) for tier in TIERS},
    )


def last_hour(now: datetime) -> Figures:
    """Return the figures of the hour until now."""
    return figures(now - timedelta(hours=1), now)


def _summed(changes: list[int]) -> tuple[int, ...]:
    level, levels = 0, []
    for one in changes:
        level += one
        levels.append(level)
    return tuple(levels)


def _rows(statement: str, span: Mapping[str, Bound]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, span)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
