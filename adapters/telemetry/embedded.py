"""The observer on this host and the door for those on others: the default telemetry."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.rows import select
from adapters.telemetry import deltas, results, services, strangers, taken
from adapters.telemetry.port import (
    Capability,
    Collected,
    DeadLetter,
    Delta,
    Key,
    Observer,
    Pushed,
    QueryLog,
    Result,
    Stranger,
    Use,
)

CAPABILITIES: Final[frozenset[Capability]] = frozenset(
    {"logins", "ends", "elevations", "fingerprints", "push", "deltas"}
)

_USE = """
    SELECT id, kind, host, at, after, seen_at, session, account, granted, method, fingerprint,
           authority, address, port, run_as, command, ended_at, line
    FROM reading.key_use
"""
_OBSERVER = """
    SELECT host, source, silent_after_s, skew_s, began_at, read_at, heard_until, gap_from,
           gap_until, clock_off_at, fault
    FROM reading.observer ORDER BY host
"""
_DEAD = """
    SELECT id, at, routing_key, why, size FROM reading.dead_letter
    WHERE at >= %s ORDER BY at DESC LIMIT %s
"""
_LOG = """
    SELECT name, path, read_at, unread, unplaced, lost_at, fault
    FROM reading.query_log ORDER BY name
"""
_STEPS = """
    SELECT query, action, at, counter, rows, whole FROM reading.query_result
    WHERE ci = %s AND at >= %s AND action <> 'snapshot' ORDER BY at DESC LIMIT %s
"""
# Of snapshots the newest, and the one that was there when the stretch began.
_PICTURES = """
    SELECT r.query, r.action, r.at, r.counter, r.rows, r.whole
    FROM reading.query_result r
    JOIN (SELECT query, max(at) AS newest,
                 coalesce(max(at) FILTER (WHERE at <= %s), min(at)) AS base
          FROM reading.query_result WHERE ci = %s AND action = 'snapshot' GROUP BY query) s
      ON r.query = s.query AND r.at IN (s.newest, s.base)
    WHERE r.ci = %s AND r.action = 'snapshot' ORDER BY r.at DESC LIMIT %s
"""
MOST_READ: Final = 2_000
"""Results that one answer rests on; where there are more, it says that it isn't the whole."""
MOST_ROWS: Final = 50_000
"""Rows of the results of all CIs in one answer."""
# The CIs one by one and of each the newest, both by index; then everybody's newest, everybody's
# second, and so on, so that one that says much displaces only itself.
_RESULTS = """
    WITH RECURSIVE known AS (
        (SELECT ci FROM reading.query_result ORDER BY ci LIMIT 1)
        UNION ALL
        SELECT (SELECT r.ci FROM reading.query_result r WHERE r.ci > k.ci ORDER BY r.ci LIMIT 1)
        FROM known k WHERE k.ci IS NOT NULL
    ), fair AS (
        SELECT k.ci, n.* FROM known k CROSS JOIN LATERAL (
            SELECT m.*, row_number() OVER (ORDER BY m.seen_at DESC, m.at DESC, m.query) AS place
            FROM (
                SELECT r.query, r.action, r.at, r.seen_at, r.rows FROM reading.query_result r
                WHERE r.ci = k.ci AND r.at >= %s
                ORDER BY r.seen_at DESC, r.at DESC, r.query LIMIT %s
            ) m
        ) n
        ORDER BY n.place, n.at DESC, k.ci LIMIT %s
    ), counted AS (
        SELECT f.*, sum(jsonb_array_length(f.rows))
               OVER (ORDER BY f.place, f.at DESC, f.ci ROWS UNBOUNDED PRECEDING) AS held
        FROM fair f
    )
    SELECT ci, query, action, at, rows FROM counted WHERE held <= %s
    ORDER BY at, place DESC, ci
"""
_UNJOINED = """
    WHERE id IN (SELECT id FROM telemetry_use WHERE joined_at IS NULL ORDER BY id LIMIT %s)
    ORDER BY id
"""


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    capabilities = CAPABILITIES

    def keys(self) -> tuple[Key, ...]:
        """Return ethops's own keys."""
        rows = select(
            "SELECT name, fingerprint, accounts, addresses, authority, retired_at"
            " FROM reading.own_key ORDER BY name"
        )
        return tuple(
            Key(**row | {name: tuple(json.loads(row[name])) for name in ("accounts", "addresses")})
            for row in rows
        )

    def observers(self) -> tuple[Observer, ...]:
        """Return the observers that are declared."""
        return tuple(Observer(**row) for row in select(_OBSERVER))

    def uses(self, host: str, since: datetime, *, limit: int = 500) -> tuple[Use, ...]:
        """Return the newest uses on a host since then, oldest first."""
        found = _uses("WHERE host = %s AND at >= %s ORDER BY at DESC LIMIT %s", host, since, limit)
        return found[::-1]

    def logins(self, since: datetime) -> tuple[Use, ...]:
        """Return the granted logins that began or ended since then."""
        return _uses(
            "WHERE kind = 'login' AND granted AND (at >= %s OR ended_at >= %s) ORDER BY at",
            since,
            since,
        )

    def dead_letters(self, since: datetime, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Return the newest dead letters of the bus since then, oldest first."""
        found = select(_DEAD, [since, limit])
        return tuple(DeadLetter(**row) for row in found[::-1])

    def query_logs(self) -> tuple[QueryLog, ...]:
        """Return the logs of results that are declared."""
        return tuple(QueryLog(**row) for row in select(_LOG))

    def deltas(self, ci: str, since: datetime, *, shown: int = 10) -> tuple[Delta, ...]:
        """Return what differs on a CI since then, by query."""
        steps = select(_STEPS, [ci, since, MOST_READ])
        pictures = select(_PICTURES, [since, ci, ci, MOST_READ])
        kept = [
            deltas.Kept(**row | {"rows": tuple(json.loads(row["rows"]))})
            for row in (*steps, *pictures)
        ]
        lost = MOST_READ in (len(steps), len(pictures)) or any(
            log.lost_at is not None and log.lost_at >= since for log in self.query_logs()
        )
        return deltas.of(kept, since, shown=shown, lost=lost)

    def results(
        self, since: datetime, *, of_each: int = 100, limit: int = 5_000
    ) -> tuple[Result, ...]:
        """Return the newest results of each CI since then, of all at most `limit`, oldest first."""
        found = select(_RESULTS, [since, of_each, limit, MOST_ROWS])
        return tuple(Result(**row | {"rows": tuple(json.loads(row["rows"]))}) for row in found)

    def strangers(self) -> Mapping[str, tuple[Stranger, ...]]:
        """Return the hosts without a CI that write to each log."""
        found = select("SELECT log, strangers FROM reading.stranger ORDER BY log")
        return {row["log"]: strangers.read(json.loads(row["strangers"])) for row in found}


class Collector:
    """Reads files of this host, wherever it is called from."""

    def collect(self) -> Collected:
        """Read what the files have gained, and forget what was kept long enough."""
        taken.forget()
        results.forget()
        seen, found = services.collect(), results.collect()
        return Collected(seen.lines + found.lines, seen.uses, seen.faults + found.faults)

    def unjoined(self, *, limit: int = 2000) -> tuple[Use, ...]:
        """Return uses that nobody has joined as they stand."""
        return _uses(_UNJOINED, limit)

    def joined(self, uses: Sequence[Use]) -> None:
        """Say that these are joined as they stand."""
        services.mark_joined(uses=[(use.id, use.ended_at, use.command) for use in uses])


class Receiver:
    """Takes what observers on other hosts push."""

    def position(self, host: str) -> str:
        """Return where the host's observer is to go on."""
        return services.position(host)

    def push(
        self, host: str, lines: Sequence[str], *, after: str, position: str, complete: bool
    ) -> Pushed:
        """Take the lines that follow `after`, all of them or none."""
        return services.push(
            host=host, texts=lines, after=after, position=position, complete=complete
        )


def _uses(where: str, *params: object) -> tuple[Use, ...]:
    return tuple(Use(**row) for row in select(f"{_USE} {where}", params))
