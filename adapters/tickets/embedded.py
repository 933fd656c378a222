"""The desk's own tickets, in our database: the default behind the tickets contract."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from adapters.rows import select
from adapters.tickets import attachments, deeds, families, opening, services, watchers
from adapters.tickets.beside import Attachment, File, Watcher
from adapters.tickets.errors import (
    CauseTakenError,
    HeldError,
    KeyReusedError,
    TicketNotFoundError,
)
from adapters.tickets.following import Health, Looked, News
from adapters.tickets.items import RequestModel, Step
from adapters.tickets.passages import Passage
from adapters.tickets.port import (
    NOTHING,
    Change,
    Claimed,
    Deed,
    Details,
    Link,
    LogLine,
    Note,
    Problem,
    Request,
    Ticket,
    TicketClass,
    TicketDraft,
    TicketFields,
    Verb,
    Vouched,
)

_TICKET = """
    SELECT ref, ticket_class, title, description, state, priority, impact, urgency, ci_refs, team,
           assignee, cause_key, parent_ref, solution, repeats, opened_at, first_bad_at,
           detected_at, assigned_at, resolved_at, closed_at, requester, service, pending_reason,
           reopens, variant
    FROM reading.ticket
"""
_MODEL = """
    SELECT slug, title, description, service, team, approver_role, impact, urgency, fields, steps,
           card, entries
    FROM reading.request_model
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
            "SELECT state, at, stimulus FROM reading.ticket_passage WHERE ticket_ref = %s"
            " ORDER BY line",
            [ref],
        )
        return tuple(Passage(**row) for row in rows)

    def details(self, ref: str) -> Details | None:
        """Return what only tickets of its class have."""
        for prefix, read in _DETAILS.items():
            if ref.startswith(prefix):
                return read(ref)
        return None

    def links(self, ref: str) -> tuple[Link, ...]:
        """Return the links from and to the ticket, oldest first."""
        rows = select(
            "SELECT ref, kind, other FROM reading.ticket_link WHERE %s IN (ref, other) ORDER BY n",
            [ref],
        )
        return tuple(Link(**row) for row in rows)

    def attachments(self, ref: str) -> tuple[Attachment, ...]:
        """Return the files kept with the ticket, oldest first."""
        rows = select(
            "SELECT ref, n, name, media_type, sha256, size, by, visibility, at"
            " FROM reading.attachment WHERE ref = %s ORDER BY n",
            [ref],
        )
        return tuple(Attachment(**row) for row in rows)

    def content(self, ref: str, n: int) -> bytes:
        """Return what is in a file."""
        return attachments.content(ref, n)

    def watchers(self, ref: str) -> tuple[Watcher, ...]:
        """Return who watches the ticket, longest first."""
        rows = select(
            "SELECT ref, person, address, why FROM reading.watcher WHERE ref = %s ORDER BY n",
            [ref],
        )
        return tuple(Watcher(**row) for row in rows)

    def catalogue(self) -> tuple[RequestModel, ...]:
        """Return what may be requested, by title."""
        return tuple(_model(row) for row in select(f"{_MODEL} ORDER BY title, slug"))

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
        """Return what waits in `resolved` for its requester since before this, oldest first."""
        return _tickets(
            "WHERE ticket_class IN ('incident', 'request') AND state = 'resolved'"
            " AND resolved_at < %s ORDER BY resolved_at, ref LIMIT %s",
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


class Follower:
    """Follows nobody: tickets live here alone."""

    follows = False

    def look(self) -> Looked:
        """Find nothing."""
        return Looked()

    def look_at_all(self) -> Looked:
        """Find nothing."""
        return Looked()

    def heed(self, callback: int) -> None:
        """Do nothing: nobody is believed to call."""
        del callback

    def tell(self, hear: Callable[[News], None]) -> int:
        """Have nothing to tell."""
        del hear
        return 0

    def health(self) -> Health:
        """Say that this is the desk itself."""
        return Health("ethops", "own", "Tickets live here; there is nobody to follow.")

    def forget(self) -> int:
        """Keep nothing that could be forgotten."""
        return 0


class Writer:
    """Writes each effect and its deed in one transaction, so that a key acts once."""

    def open(self, key: UUID, draft: TicketDraft, vouched: Vouched = NOTHING) -> Deed:
        """Open a ticket, or fold the draft into the open incident of its cause."""
        return _once(
            key,
            "open",
            None,
            lambda: opening.open_ticket(key=key, draft=draft, vouched=vouched),
        )

    def comment(self, key: UUID, ref: str, note: Note) -> Deed:
        """Append one line to the worklog."""
        return _once(key, "comment", ref, lambda: services.comment(key=key, ref=ref, note=note))

    def move(
        self,
        key: UUID,
        ref: str,
        stimulus: str,
        fields: TicketFields,
        note: Note,
        vouched: Vouched = NOTHING,
    ) -> Deed:
        """Move the ticket, set fields, and write one line about it."""
        return _once(
            key,
            "move",
            ref,
            lambda: services.move_ticket(
                key=key, ref=ref, stimulus=stimulus, fields=fields, note=note, vouched=vouched
            ),
        )

    def claim(
        self,
        key: UUID,
        ref: str,
        team: str,
        note: Note,
        vouched: Vouched = NOTHING,
        *,
        instead_of: str = "",
    ) -> Claimed:
        """Give the ticket to the note's author, if its holder is whom he saw."""
        try:
            deed = self._claim(key, ref, team, note, vouched, instead_of)
        except HeldError as held:
            return Claimed(ref, held.holder == note.author, held.holder, None)
        holder = Reader().get(ref).assignee
        return Claimed(ref, holder == note.author, holder, deed)

    def _claim(
        self, key: UUID, ref: str, team: str, note: Note, vouched: Vouched, instead_of: str
    ) -> Deed:
        return _once(
            key,
            "move",
            ref,
            lambda: services.claim(
                key=key, ref=ref, team=team, note=note, vouched=vouched, instead_of=instead_of
            ),
        )

    def link(self, key: UUID, link: Link, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Link a ticket with another."""
        return _once(
            key,
            "link",
            link.ref,
            lambda: services.link(key=key, link=link, note=note, vouched=vouched),
        )

    def finish_step(
        self, key: UUID, ref: str, n: int, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Say that a step of a request is done."""
        return _once(
            key,
            "step",
            ref,
            lambda: services.finish_step(key=key, ref=ref, n=n, note=note, vouched=vouched),
        )

    def attach(
        self, key: UUID, ref: str, file: File, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Keep a file with the ticket."""
        return _once(
            key,
            "attach",
            ref,
            lambda: attachments.attach(key=key, ref=ref, file=file, note=note, vouched=vouched),
        )

    def watch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told of what happens to the ticket."""
        return _once(
            key,
            "watch",
            watcher.ref,
            lambda: watchers.watch(key=key, watcher=watcher, note=note, vouched=vouched),
        )

    def unwatch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told no more."""
        return _once(
            key,
            "unwatch",
            watcher.ref,
            lambda: watchers.unwatch(key=key, watcher=watcher, note=note, vouched=vouched),
        )

    def adopt(
        self, key: UUID, ref: str, parent: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Put an incident under a greater one."""
        return _once(
            key,
            "adopt",
            ref,
            lambda: families.adopt(key=key, ref=ref, parent=parent, note=note, vouched=vouched),
        )

    def retitle(
        self, key: UUID, ref: str, title: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Call a ticket something else."""
        return _once(
            key,
            "retitle",
            ref,
            lambda: families.retitle(key=key, ref=ref, title=title, note=note, vouched=vouched),
        )

    def find(self, key: UUID) -> Deed | None:
        """Return what was done under this key."""
        return deeds.find(key)


def _tickets(where: str, params: list[object]) -> tuple[Ticket, ...]:
    return tuple(_ticket(row) for row in select(f"{_TICKET} {where}", params))


def _ticket(row: dict[str, Any]) -> Ticket:
    return Ticket(**row | {"ci_refs": tuple(row["ci_refs"])})


def _problem(ref: str) -> Details | None:
    rows = select(
        "SELECT known_error, workaround, root_cause FROM reading.problem WHERE ref = %s", [ref]
    )
    return Problem(**rows[0]) if rows else None


def _change(ref: str) -> Details | None:
    rows = select(
        "SELECT change_type, reason, planned_start, planned_end, implementer, backout, outcome,"
        " decided_by, decision FROM reading.change WHERE ref = %s",
        [ref],
    )
    return Change(**rows[0]) if rows else None


def _request(ref: str) -> Details | None:
    rows = select(
        "SELECT model, answers, approver_role, decided_by, decision, card FROM reading.request"
        " WHERE ref = %s",
        [ref],
    )
    if not rows:
        return None
    steps = select(
        "SELECT n, title, done_by, done_at, entry FROM reading.request_step"
        " WHERE ref = %s ORDER BY n",
        [ref],
    )
    row = rows[0] | {"answers": json.loads(rows[0]["answers"])}
    return Request(**row, steps=tuple(Step(**step) for step in steps))


_DETAILS: dict[str, Callable[[str], Details | None]] = {
    "PRB-": _problem,
    "CHG-": _change,
    "REQ-": _request,
}
"""How a class's refs begin -> what it alone has."""


def _model(row: dict[str, Any]) -> RequestModel:
    read = {name: tuple(json.loads(row[name])) for name in ("fields", "steps", "entries")}
    return RequestModel(**row | read)


def _once(key: UUID, verb: Verb, ref: str | None, act: Callable[[], Deed]) -> Deed:
    """Do the act unless its key has a deed; who loses a race for the key gets that deed."""
    done = deeds.find(key)
    if done is not None:
        return _repeat(done, verb, ref)
    try:
        with transaction.atomic():
            return act()
    except IntegrityError as error:
        if deeds.violates(error, opening.ONE_PER_CAUSE):
            raise CauseTakenError(f"The cause of {ref} has another open incident.") from error
        done = deeds.find(key)
        if done is None:
            raise
        return _repeat(done, verb, ref)


def _repeat(done: Deed, verb: Verb, ref: str | None) -> Deed:
    if done.verb != verb or (ref is not None and done.ref != ref):
        raise KeyReusedError(f"Key {done.key} is that of {done.verb} on {done.ref}.")
    return replace(done, repeated=True)
