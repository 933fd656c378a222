"""Gathers the history of a run: from the database, the ledger, the plays' folders and the sink."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from audit import verify
from audit.recorder import moment
from tests.chaos.history import Action, Effect, Entry, Event, History, Ticket, first_of

T = TypeVar("T")

EVENTS = "SELECT fingerprint, decision, reason, ticket_ref FROM public.desk_event"
TICKETS = "SELECT ref, ticket_class, state FROM public.tickets_ticket"
ACTIONS = """
    SELECT a.id::text, a.principal, a.ticket_ref, a.verb, a.entry, a.target, a.verdict, a.outcome,
           coalesce(w.state, '') AS work_state, w.entry_seq
    FROM public.personas_action a LEFT JOIN public.audit_work w ON w.id = a.work_id
"""
ENTRIES = """
    SELECT seq, kind, subject,
           CASE current_setting('track_commit_timestamp')
           WHEN 'on' THEN pg_xact_commit_timestamp(xmin) ELSE at END AS committed_at
    FROM public.audit_entry
"""
LINES = """
    SELECT 'line' AS kind, l.action_id::text, l.at FROM public.tickets_logline l
    JOIN public.personas_action a ON a.id = l.action_id WHERE a.verb LIKE 'ticket.%'
    UNION ALL
    SELECT 'line', l.action_id::text, l.at FROM public.tickets_logline l
    LEFT JOIN public.personas_action a ON a.id = l.action_id
    WHERE l.action_id IS NOT NULL AND a.id IS NULL
"""


def gather(
    link: psycopg.Connection,
    *,
    accepted: Iterable[str],
    posts: Iterable[Effect],
    plays: Path,
    restarts: dict[str, int],
) -> History:
    """Return everything that the checker wants to see; `link` is the owner's connection."""
    notices, repeated = first_of(posts)
    return History(
        accepted=tuple(accepted),
        events=_rows(link, Event, EVENTS),
        tickets=_rows(link, Ticket, TICKETS),
        actions=_rows(link, Action, ACTIONS),
        entries=_rows(link, Entry, ENTRIES),
        effects=(*_rows(link, Effect, LINES), *notices, *begun(plays)),
        restarts=restarts,
        repeated_posts=repeated,
    )


def begun(plays: Path) -> Iterator[Effect]:
    """Return each time that Ansible itself says it began a playbook."""
    for folder in plays.glob("*") if plays.exists() else ():
        for event in (folder / "artifacts" / "play" / "job_events").glob("*.json"):
            try:
                said = json.loads(event.read_text(encoding="utf-8"))
            except ValueError:
                continue  # cut off by the kill
            if said.get("event") == "playbook_on_start":
                at = datetime.fromisoformat(said["created"])
                yield Effect("play", folder.name, at if at.tzinfo else at.replace(tzinfo=UTC))


def verify_chain(link: psycopg.Connection) -> verify.Report:
    """Verify the whole ledger with the auditor's own code."""
    with link.transaction():
        link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = link.execute("SELECT origin::text, seq, hash FROM public.audit_head").fetchone()
        assert head is not None
        entries = link.execute(
            "SELECT seq, prev, hash, body, kind, subject, ticket_ref, at FROM public.audit_entry"
            " ORDER BY seq"
        ).fetchall()
    rows = (
        verify.Row(seq, prev, link_, body, kind, subject, ticket, moment(at))
        for seq, prev, link_, body, kind, subject, ticket, at in entries
    )
    walk = verify.Walk(head[0])
    walk.take(rows, {})
    walk.committed.clear()
    return walk.end(head[1], head[2], {})


def _rows(link: psycopg.Connection, kind: type[T], query: LiteralString) -> tuple[T, ...]:
    with link.cursor(row_factory=class_row(kind)) as cursor:
        return tuple(cursor.execute(query).fetchall())
