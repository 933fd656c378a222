"""The desk's own tickets, in our database: the default behind the tickets contract."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from adapters.rows import select
from adapters.tickets import services
from adapters.tickets.errors import CauseTakenError, KeyReusedError, TicketNotFoundError
from adapters.tickets.port import (
    Deed,
    LogLine,
    Note,
    Passage,
    Ticket,
    TicketClass,
    TicketDraft,
    TicketFields,
    Verb,
)

_TICKET = """
    SELECT ref, ticket_class, title, description, state, priority, impact, urgency, ci_refs, team,
           assignee, cause_key, parent_ref, solution, repeats, opened_at, first_bad_at,
           detected_at, assigned_at, resolved_at, closed_at
    FROM reading.ticket
"""
_LINE = """
    SELECT ticket_ref, n, at, author, author_kind, visibility, text, action_id, tainted
    FROM reading.worklog
"""


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    def get(self, ref: str) -> Ticket:
        """Return the ticket of this ref."""
        found = _tickets("WHERE ref = %s", [ref])
        if not found:
            raise TicketNotFoundError(f"No ticket {ref!r}.")
        return found[0]

    def worklog(self, ref: str) -> tuple[LogLine, ...]:
        """Return the ticket's lines, oldest first."""
        rows = select(f"{_LINE} WHERE ticket_ref = %s ORDER BY n", [ref])
        return tuple(LogLine(**row) for row in rows)

    def history(self, ref: str) -> tuple[Passage, ...]:
        """Return the states the ticket came into, oldest first."""
        # By line, which is numbered under the ticket's lock: two moves may share an instant.
        rows = select(
            "SELECT state, at FROM reading.ticket_passage WHERE ticket_ref = %s ORDER BY line",
            [ref],
        )
        return tuple(Passage(**row) for row in rows)

    def find_open_by_cause(self, cause_key: str) -> Ticket | None:
        """Return the one open incident of this cause."""
        found = _tickets(
            "WHERE cause_key = %s AND is_open AND ticket_class = 'incident'", [cause_key]
        )
        return found[0] if found else None

    def for_ci(self, ci_ref: str, *, open_only: bool = True, limit: int = 50) -> tuple[Ticket, ...]:
        """Return the tickets that name this CI, newest first."""
        return _tickets(
            "WHERE ref IN (SELECT ticket_ref FROM reading.ticket_ci WHERE ci_ref = %s)"
            " AND (is_open OR NOT %s) ORDER BY opened_at DESC, ref DESC LIMIT %s",
            [ci_ref, open_only, limit],
        )

    def children(self, ref: str) -> tuple[Ticket, ...]:
        """Return the tickets whose parent is this one, oldest first."""
        return _tickets("WHERE parent_ref = %s ORDER BY opened_at, ref", [ref])

    def resolved_before(self, moment: datetime, *, limit: int = 200) -> tuple[Ticket, ...]:
        """Return the incidents that wait in `resolved` since before this moment, oldest first."""
        return _tickets(
            "WHERE ticket_class = 'incident' AND state = 'resolved' AND resolved_at < %s"
            " ORDER BY resolved_at, ref LIMIT %s",
            [moment, limit],
        )

    def open_tickets(
        self,
        *,
        ticket_class: TicketClass | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> tuple[Ticket, ...]:
        """Return what is open, most urgent and then oldest first."""
        return _tickets(
            "WHERE is_open AND (%s::text IS NULL OR ticket_class = %s)"
            " AND (%s::text IS NULL OR (priority, opened_at, ref) >"
            " (SELECT l.priority, l.opened_at, l.ref FROM reading.ticket l WHERE l.ref = %s))"
            " ORDER BY priority, opened_at, ref LIMIT %s",
            [ticket_class, ticket_class, after, after, limit],
        )


class Writer:
    """Writes each effect and its deed in one transaction, so that a key acts once."""

    def open(self, key: UUID, draft: TicketDraft) -> Deed:
        """Open a ticket, or fold the draft into the open incident of its cause."""
        return _once(key, "open", None, lambda: services.open_ticket(key=key, draft=draft))

    def comment(self, key: UUID, ref: str, note: Note) -> Deed:
        """Append one line to the worklog."""
        return _once(key, "comment", ref, lambda: services.comment(key=key, ref=ref, note=note))

    def move(self, key: UUID, ref: str, stimulus: str, fields: TicketFields, note: Note) -> Deed:
        """Move the ticket, set fields, and write one line about it."""
        return _once(
            key,
            "move",
            ref,
            lambda: services.move_ticket(
                key=key, ref=ref, stimulus=stimulus, fields=fields, note=note
            ),
        )

    def find(self, key: UUID) -> Deed | None:
        """Return what was done under this key."""
        return services.find_deed(key)


def _tickets(where: str, params: list[object]) -> tuple[Ticket, ...]:
    return tuple(_ticket(row) for row in select(f"{_TICKET} {where}", params))


def _ticket(row: dict[str, Any]) -> Ticket:
    return Ticket(**row | {"ci_refs": tuple(row["ci_refs"])})


def _once(key: UUID, verb: Verb, ref: str | None, act: Callable[[], Deed]) -> Deed:
    """Do the act unless its key has a deed; who loses a race for the key gets that deed."""
    done = services.find_deed(key)
    if done is not None:
        return _repeat(done, verb, ref)
    try:
        with transaction.atomic():
            return act()
    except IntegrityError as error:
        if services.violates(error, services.ONE_PER_CAUSE):
            raise CauseTakenError(f"The cause of {ref} has another open incident.") from error
        done = services.find_deed(key)
        if done is None:
            raise
        return _repeat(done, verb, ref)


def _repeat(done: Deed, verb: Verb, ref: str | None) -> Deed:
    if done.verb != verb or (ref is not None and done.ref != ref):
        raise KeyReusedError(f"Key {done.key} is that of {done.verb} on {done.ref}.")
    return replace(done, repeated=True)
