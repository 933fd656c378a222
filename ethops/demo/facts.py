"""What the rows say about the demo's tickets: read with the app's own role, nothing is written."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from adapters.registry import reader
from adapters.tickets.port import Ticket


@dataclass(frozen=True, slots=True)
class Act:
    """One action on a ticket: what was asked, decided, recorded and done."""

    id: str
    verb: str
    entry: str
    target: str
    card: str
    verdict: str
    guard: str
    reason: str
    outcome: str
    result: dict[str, Any]
    decided_at: datetime
    settled_at: datetime | None
    claimed_at: datetime | None
    has_work: bool
    """A work row of this id exists, so that an executor could ever claim it."""
    decided_entry: int | None
    """The ledger entry of the decision."""
    stamped_entry: int | None
    """The entry that the executor was given with its claim."""
    settled_entry: int | None
    """The ledger entry of the outcome."""

    @property
    def is_done(self) -> bool:
        """True where it was authorised, recorded, done, and the outcome recorded after that."""
        return (
            (self.verdict, self.outcome) == ("authorised", "done")
            and self.decided_entry is not None
            and self.stamped_entry == self.decided_entry
            and self.settled_entry is not None
            and self.settled_entry > self.decided_entry
        )


_ACTS = """
    SELECT a.id::text, a.verb, a.entry, a.target, coalesce(r.card_id, '') AS card, a.verdict,
           a.guard, a.reason, a.outcome, a.result, a.decided_at, a.settled_at, w.claimed_at,
           EXISTS (SELECT 1 FROM audit_work x WHERE x.id = a.id) AS has_work,
           d.seq AS decided_entry, w.entry_seq AS stamped_entry, o.seq AS settled_entry
    FROM personas_action a
    LEFT JOIN personas_run r ON r.id = a.run_id
    LEFT JOIN audit_work w ON w.id = a.work_id
    LEFT JOIN audit_entry d ON d.subject = a.id::text AND d.kind = 'action.' || a.verdict
    LEFT JOIN audit_entry o ON o.subject = a.id::text AND o.kind = 'action.outcome'
    WHERE a.ticket_ref = %s ORDER BY a.decided_at
"""


def acts(ticket_ref: str) -> list[Act]:
    """Return the ticket's actions, oldest first."""
    return [Act(**row | {"result": _data(row["result"])}) for row in _rows(_ACTS, [ticket_ref])]


def incident_of_ci(ci_ref: str, since: datetime) -> Ticket | None:
    """Return the CI's newest incident that was opened since a moment."""
    found = reader("tickets").for_ci(ci_ref, open_only=False)
    return next((t for t in found if t.ticket_class == "incident" and t.opened_at >= since), None)


def incident_of_alert(alertname: str, since: datetime) -> Ticket | None:
    """Return the newest incident of an alert that was joined to no CI."""
    rows = _rows(
        "SELECT ref FROM reading.ticket WHERE ticket_class = 'incident' AND opened_at >= %s"
        " AND starts_with(cause_key, %s) ORDER BY opened_at DESC LIMIT 1",
        [since, f"alert:{alertname}:"],
    )
    return reader("tickets").get(rows[0]["ref"]) if rows else None


def joined(ticket_ref: str) -> str:
    """Return how the ticket's alert was joined."""
    rows = _rows("SELECT joined FROM desk_event WHERE ticket_ref = %s LIMIT 1", [ticket_ref])
    return str(rows[0]["joined"]) if rows else ""


def plays_on(ci_ref: str) -> int:
    """Return how many plays were ever authorised on a CI, done or not."""
    rows = _rows(
        "SELECT count(*) AS n FROM audit_work WHERE kind = 'effect'"
        " AND queue = 'executor.plays' AND subject = %s",
        [ci_ref],
    )
    return int(rows[0]["n"])


def well_from(ci_ref: str, after: datetime) -> datetime | None:
    """Return when the CI's probes were first good after a moment."""
    rows = _rows(
        "SELECT min(at) AS at FROM reading.sample WHERE ci_ref = %s AND ok AND at > %s",
        [ci_ref, after],
    )
    return rows[0]["at"] if rows else None


_DOING = """
    SELECT r.card_id AS card, r.state, r.steps,
           coalesce((SELECT s.question ->> 'kind' FROM personas_step s
                     WHERE s.run_id = r.id ORDER BY s.number DESC LIMIT 1), '') AS asked,
           coalesce((SELECT a.entry FROM personas_action a WHERE a.run_id = r.id AND a.entry <> ''
                     AND a.verdict = 'authorised' AND a.outcome = '' LIMIT 1), '') AS acting
    FROM personas_run r WHERE r.ticket_ref = %s ORDER BY r.created_at DESC LIMIT 1
"""
_WORDS = {"": "reads", "triage": "hands over", "diagnose": "looks", "verify": "verifies"}


def doing(ticket_ref: str) -> str:
    """Return in words what the newest run on a ticket does now."""
    rows = _rows(_DOING, [ticket_ref])
    if not rows:
        return "waits for an agent"
    run = rows[0]
    if run["acting"]:
        return f"{run['acting']} runs"
    return f"{run['card']} {_WORDS.get(run['asked'], 'ends')}, step {run['steps'] + 1}"


@dataclass(frozen=True, slots=True)
class Counts:
    """The foot of the screen."""

    runs: int
    entries: int
    unrecorded: int


def counts() -> Counts:
    """Return how many runs and entries there are, and how many facts wait for the recorder."""
    row = _rows(
        "SELECT (SELECT count(*) FROM personas_run) AS runs,"
        " (SELECT coalesce(max(seq), 0) FROM audit_entry) AS entries,"
        " (SELECT count(*) FROM audit_pending) AS unrecorded",
        [],
    )[0]
    return Counts(**row)


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the ledger, said in a few words."""

    at: datetime
    word: str
    said: str
    seq: int


_SHOWN = (
    "action.authorised",
    "action.denied",
    "action.observed",
    "action.outcome",
    "ticket.opened",
)


def last_happenings(count: int) -> list[Happening]:
    """Return the newest entries worth a line, oldest first."""
    rows = _rows(
        "SELECT seq, at, kind, subject, body FROM audit_entry WHERE kind = ANY(%s)"
        " ORDER BY seq DESC LIMIT %s",
        [list(_SHOWN), count],
    )
    return [_happening(row) for row in reversed(rows)]


def _happening(row: dict[str, Any]) -> Happening:
    try:
        told = _data(bytes(row["body"]).decode("utf-8"))
    except ValueError:
        told = {}
    body = told.get("body", told)
    word = str(row["kind"]).partition(".")[2]
    if row["kind"] == "ticket.opened":
        said = f"{row['subject']} {body.get('title', '')}"
    else:
        what = body.get("entry") or body.get("verb", "")
        said = f"{what} on {body.get('target') or row['subject']}"
        word = str(body.get("outcome") or word)
    return Happening(row["at"], word, said, int(row["seq"]))


def _rows(statement: str, parameters: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _data(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}
