"""Probes run by ourselves on and from this host: the default behind the monitoring contract."""

import json
from collections.abc import Sequence
from datetime import datetime

from adapters.monitoring import deliveries, hours, services
from adapters.monitoring.changes import MOST_POINTS
from adapters.monitoring.port import Deliver, Hour, Point, Probe, Sample, SweepReport
from adapters.monitoring.rounds import run_round
from adapters.rows import now, select

_PROBE = """
    SELECT name, ci_ref, kind, params, interval_s, bad_after, good_after, alertname, severity,
           host, alert_status, nullif(last_symptom, '') AS symptom, first_bad_at, last_sample_at
    FROM reading.probe WHERE NOT retired AND ci_ref = ANY(%s)
    ORDER BY ci_ref, name
"""
_SAMPLE = """
    SELECT probe, at, ok, symptom, value, unit, detail FROM (
        SELECT * FROM reading.sample WHERE ci_ref = %s AND at >= %s
        ORDER BY at DESC LIMIT %s) newest
    ORDER BY at, probe
"""
_WELL_SINCE = """
    SELECT CASE WHEN bool_and(good_since IS NOT NULL AND last_sample_at >=
                clock_timestamp() - (3 * interval_s + 10) * interval '1 second')
           THEN max(good_since) END AS since
    FROM reading.probe WHERE NOT retired AND ci_ref = %s
"""

_COURSE = """
    SELECT at, value FROM (
        SELECT DISTINCT ON (step) at, value FROM (
            SELECT at, value, floor(extract(epoch FROM at - %s::timestamptz) / %s) AS step
            FROM reading.sample
            WHERE probe = %s AND value IS NOT NULL AND at >= %s AND at < %s
        ) seen ORDER BY step, at DESC) newest
    ORDER BY at
"""
_HOUR = """
    SELECT begin, low, middle, high, points FROM reading.past_hour WHERE probe = %s AND begin = %s
"""


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    def probes_of(self, ci_ref: str) -> tuple[Probe, ...]:
        """Return the probes declared on a CI, by name."""
        return self.probes_on([ci_ref])

    def probes_on(self, ci_refs: Sequence[str]) -> tuple[Probe, ...]:
        """Return the probes declared on any of these CIs, by CI and name."""
        rows = select(_PROBE, [list(ci_refs)])
        return tuple(Probe(**row | {"params": json.loads(row["params"])}) for row in rows)

    def samples(self, ci_ref: str, since: datetime, *, limit: int = 500) -> tuple[Sample, ...]:
        """Return the newest samples since then, oldest first."""
        return tuple(Sample(**row) for row in select(_SAMPLE, [ci_ref, since, limit]))

    def well_since(self, ci_ref: str) -> datetime | None:
        """Return since when every probe of the CI has been good without a break."""
        since: datetime | None = select(_WELL_SINCE, [ci_ref])[0]["since"]
        return since

    def course(self, probe: str, *, begin: datetime, end: datetime) -> tuple[Point, ...]:
        """Return the newest sample of each sixtieth of a stretch, oldest first."""
        step = (end - begin).total_seconds() / MOST_POINTS
        rows = select(_COURSE, [begin, step, probe, begin, end])
        return tuple(Point(**row) for row in rows)

    def hour(self, probe: str, begin: datetime) -> Hour | None:
        """Return what was kept of an hour."""
        rows = select(_HOUR, [probe, begin])
        return Hour(**rows[0]) if rows else None


class Sweeper:
    """Runs due probes of this database, wherever it is called from."""

    def sweep(self, deliver: Deliver) -> SweepReport:
        """Run the due probes, then deliver what is owed."""
        tasks = services.claim_due()
        samples = run_round(tasks, now()) if tasks else []
        if samples:
            services.record(samples=samples)
        delivered = deliveries.deliver_owed(deliver=deliver)
        return SweepReport(len(samples), sum(not sample.ok for sample in samples), delivered)

    def keep_hours(self) -> int:
        """Keep what each probe's value was in hours that are over."""
        return hours.keep_hours()
