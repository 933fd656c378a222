"""Totals of the queue that only grow, for counters that must not go back.

What ended long enough ago is counted once and kept in memory; each reading counts what came since.
So a reading stays cheap however long the history is, and rows that are cleared away stay counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, TypeAlias

from django.db import connection

BOUNDS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0)
"""Seconds waited: upper ends of the histogram's buckets; what waited longer is beyond them."""
BEYOND: Final = "+Inf"
SETTLED: Final = timedelta(minutes=1)
"""So old a row cannot appear any more: whoever wrote it has committed long ago."""

Key: TypeAlias = tuple[str, str, str, str]
"""What is counted, and up to three labels."""

_JOBS = """
    WITH ended AS (
        SELECT j.tier, j.slot, w.state, j.wait_s, j.tokens_in, j.tokens_out,
               (SELECT min(bound) FROM unnest(%(bounds)s::float8[]) AS bound
                 WHERE j.wait_s <= bound) AS bound
          FROM gpu_job j JOIN audit_work w ON w.id = j.id
         WHERE j.finished_at >= %(since)s AND j.finished_at < %(until)s)
    SELECT 'jobs', tier, slot, state, count(*)::float8 FROM ended GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'tokens', tier, slot, 'in', coalesce(sum(tokens_in), 0) FROM ended GROUP BY 2, 3
    UNION ALL
    SELECT 'tokens', tier, slot, 'out', coalesce(sum(tokens_out), 0) FROM ended GROUP BY 2, 3
    UNION ALL
    SELECT 'wait', tier, coalesce(bound::text, '+Inf'), '', count(*)
      FROM ended WHERE wait_s IS NOT NULL GROUP BY 2, 3
    UNION ALL
    SELECT 'waited', tier, '', '', sum(wait_s) FROM ended WHERE wait_s IS NOT NULL GROUP BY 2
"""
_PIECES = """
    WITH spent AS (
        SELECT *, extract(epoch FROM ended_at - began_at)::float8 AS seconds
          FROM gpu_piece WHERE id > %(after)s AND id <= %(upto)s)
    SELECT 'pieces', card, kind, slot, count(*)::float8 FROM spent GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'seconds', card, kind, tier, sum(seconds) FROM spent GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'preempted', card, tier, '', count(*)
      FROM spent WHERE ending = 'preempted' GROUP BY 2, 3
"""
_EDGES = """
    SELECT clock_timestamp(), coalesce((SELECT max(id) FROM gpu_piece), 0),
           coalesce((SELECT id FROM gpu_piece
                      WHERE id > %(after)s AND ended_at < clock_timestamp() - %(settled)s::interval
                      ORDER BY id DESC LIMIT 1), %(after)s)
"""
_EVER = "-infinity"
_LATER = "infinity"


class Totals:
    """The totals of one process; any thread may read them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: Counter[Key] = Counter()
        self._jobs_until: datetime | str = _EVER
        self._pieces_until = 0

    def read(self) -> Mapping[Key, float]:
        """Return every total as it is now."""
        with self._lock:
            ((now, newest, settled),) = _rows(
                _EDGES,
                {"after": self._pieces_until, "settled": f"{SETTLED.total_seconds()} seconds"},
            )
            edge = now - SETTLED
            self._keep(_jobs(self._jobs_until, edge))
            self._keep(_pieces(self._pieces_until, settled))
            self._jobs_until, self._pieces_until = edge, settled
            total = Counter(self._kept)
        _add(total, _jobs(edge, _LATER))
        _add(total, _pieces(settled, newest))
        return total

    def _keep(self, rows: Iterable[tuple[Any, ...]]) -> None:
        _add(self._kept, rows)


def _add(total: "Counter[Key]", rows: Iterable[tuple[Any, ...]]) -> None:
    for name, first, second, third, value in rows:
        total[name, first, second, third] += float(value)  # type: ignore[assignment]


def _jobs(since: datetime | str, until: datetime | str) -> list[tuple[Any, ...]]:
    return _rows(_JOBS, {"since": since, "until": until, "bounds": list(BOUNDS)})


def _pieces(after: int, upto: int) -> list[tuple[Any, ...]]:
    return _rows(_PIECES, {"after": after, "upto": upto})


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
