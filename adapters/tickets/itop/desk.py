"""Tickets that live in iTop: read from our rows, written to both, iTop being right.

Each write holds the ticket's lock, reads iTop, takes over what people did there, lets our own
verbs decide, tells iTop, and reads it back. Where iTop is away the write stands here and waits.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from django.db import transaction

from adapters.rows import select
from adapters.tickets import deeds, embedded, models
from adapters.tickets.beside import File, Watcher
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import (
    absorb,
    backlog,
    capabilities,
    elsewhere,
    facts,
    keeping,
    locks,
    words,
)
from adapters.tickets.itop.errors import ItopGoneError, ItopUnreachableError
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.push import Push
from adapters.tickets.itop.session import Session, session
from adapters.tickets.itop.writes import Write
from adapters.tickets.port import (
    NOTHING,
    Deed,
    Link,
    Note,
    Ticket,
    TicketClass,
    TicketDraft,
    TicketFields,
    Vouched,
)

Told: TypeAlias = Callable[[Deed], tuple[Write, ...]]


CANNOT: Final = capabilities.CANNOT


class Reader(embedded.Reader):
    """Reads our rows, which every role may, and says of them when iTop has things due."""

    def get(self, ref: str) -> Ticket:
        """Return the ticket of this ref."""
        return _due((super().get(ref),))[0]

    def find_open_by_cause(self, cause_key: str) -> Ticket | None:
        """Return the one open incident of this cause."""
        found = super().find_open_by_cause(cause_key)
        return _due((found,))[0] if found else None

    def for_ci(self, ci_ref: str, *, open_only: bool = True, limit: int = 50) -> tuple[Ticket, ...]:
        """Return the tickets that name this CI, newest first."""
        return _due(super().for_ci(ci_ref, open_only=open_only, limit=limit))

    def children(self, ref: str) -> tuple[Ticket, ...]:
        """Return the tickets whose parent is this one, oldest first."""
        return _due(super().children(ref))

    def resolved_before(self, moment: datetime, *, limit: int = 200) -> tuple[Ticket, ...]:
        """Return what waits in `resolved` for its requester since before this, oldest first."""
        return _due(super().resolved_before(moment, limit=limit))

    def open_tickets(
        self,
        *,
        ticket_class: TicketClass | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> tuple[Ticket, ...]:
        """Return what is open, most urgent and then oldest first."""
        return _due(super().open_tickets(ticket_class=ticket_class, limit=limit, after=after))


class Writer(embedded.Writer):
    """Writes each effect here and in iTop under the ticket's lock, so that a key acts once."""

    def open(self, key: UUID, draft: TicketDraft, vouched: Vouched = NOTHING) -> Deed:
        """Open a ticket, or fold the draft into the open incident of its cause."""
        ours = super().open

        def act() -> Deed:
            return ours(key, draft, vouched)

        if deeds.find(key):
            return act()
        with transaction.atomic():
            # Who opens under the same key waits for this one's deed, before anything is told.
            deed = act()
            if deed.outcome == "opened" and not deed.repeated:
                _opened(key, deed.ref)
            return deed

    def comment(self, key: UUID, ref: str, note: Note) -> Deed:
        """Append one line to the worklog."""
        ours = super().comment
        return _written(key, ref, lambda: ours(key, ref, note), facts.line)

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
        ours = super().move
        return _written(
            key,
            ref,
            lambda: ours(key, ref, stimulus, fields, note, vouched),
            lambda deed: facts.move(deed, stimulus),
        )

    def _claim(
        self, key: UUID, ref: str, team: str, note: Note, vouched: Vouched, instead_of: str
    ) -> Deed:
        ours = super()._claim
        return _written(
            key,
            ref,
            lambda: ours(key, ref, team, note, vouched, instead_of),
            lambda deed: facts.claim(deed, instead_of),
        )

    def link(self, key: UUID, link: Link, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Link a ticket with another."""
        ours = super().link
        return _written(
            key,
            link.ref,
            lambda: ours(key, link, note, vouched),
            lambda deed: facts.link(deed, link),
        )

    def finish_step(
        self, key: UUID, ref: str, n: int, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Say that a step of a request is done; iTop is told by a line, having no steps."""
        ours = super().finish_step
        return _written(key, ref, lambda: ours(key, ref, n, note, vouched), facts.line)

    def attach(
        self, key: UUID, ref: str, file: File, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Keep a file with the ticket."""
        ours = super().attach
        return _written(key, ref, lambda: ours(key, ref, file, note, vouched), facts.attach)

    def watch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told of what happens to the ticket."""
        ours = super().watch
        return _written(
            key,
            watcher.ref,
            lambda: ours(key, watcher, note, vouched),
            lambda deed: facts.watch(deed, watcher, note, add=True),
        )

    def unwatch(self, key: UUID, watcher: Watcher, note: Note, vouched: Vouched = NOTHING) -> Deed:
        """Have somebody told no more."""
        ours = super().unwatch
        return _written(
            key,
            watcher.ref,
            lambda: ours(key, watcher, note, vouched),
            lambda deed: facts.watch(deed, watcher, note, add=False),
        )

    def adopt(
        self, key: UUID, ref: str, parent: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Put an incident under a greater one."""
        ours = super().adopt
        return _written(
            key,
            ref,
            lambda: ours(key, ref, parent, note, vouched),
            lambda deed: facts.adopt(deed, parent),
        )

    def retitle(
        self, key: UUID, ref: str, title: str, note: Note, vouched: Vouched = NOTHING
    ) -> Deed:
        """Call a ticket something else."""
        ours = super().retitle
        return _written(key, ref, lambda: ours(key, ref, title, note, vouched), facts.retitle)


class Elsewhere(elsewhere.Elsewhere):
    """What iTop itself says, for the conformance kit."""


class Follower(keeping.Keeper):
    """Keeps up with what people do in iTop."""


def refresh(ref: str) -> absorb.Absorbed | None:
    """Read one ticket in iTop and take over what people did there; None where it is not there.

    Raises:
        ItopError: iTop is away, or the object is hidden from us.
    """
    with transaction.atomic():
        mirrored = locks.locked(ref)
        if mirrored is None or mirrored.itop_id is None:
            return None
        return _seen(session(), mirrored, None)[1]


def _opened(key: UUID, ref: str) -> None:
    """Have iTop open what was opened here, and make the move that a request begins with."""
    ticket = models.Ticket.objects.get(ref=ref)
    variant = deeds.variant_of(deeds.details_of(ticket))
    itop_class = words.CLASSES[embedded.Reader().get(ref).ticket_class, variant]
    mirrored = Mirrored.objects.create(ticket=ticket, itop_class=itop_class)
    writes = facts.opening(key, ref)
    _tell(mirrored, writes, None)


def _written(key: UUID, ref: str, act: Callable[[], Deed], told: Told) -> Deed:
    """Do a write of ours and tell iTop; what is refused on either side is done on neither."""
    if deeds.find(key):
        return act()
    with transaction.atomic():
        mirrored = locks.locked(ref)
        if mirrored is None or deeds.find(key):
            return act()
        push = _read(mirrored, key)
        try:
            with transaction.atomic():
                deed = act()
                _tell(mirrored, told(deed), push)
                return deed
        except TicketError as error:
            # Outside the inner transaction: what people did in iTop stays taken over.
            refused = error
    raise refused


def _read(mirrored: Mirrored, key: UUID) -> Push | TicketError:
    """Tell iTop what waits, and read the ticket there; or return what keeps us from it."""
    if backlog.is_quiet():
        return ItopUnreachableError("iTop was away a moment ago.")
    try:
        with transaction.atomic():
            here = session()
            while waiting := backlog.next_of(mirrored):
                fault = backlog.tell(here, mirrored, waiting)
                if fault is not None and backlog.stays(waiting, fault):
                    return fault
            if mirrored.itop_id is None:
                return ItopGoneError("iTop has not opened it.")
            return _seen(here, mirrored, key)[0]
    except backlog.OUTAGES as fault:
        mirrored.refresh_from_db()
        return fault
    except backlog.UNFIT as error:
        mirrored.refresh_from_db()
        return backlog.unfit(mirrored.ticket_id, error)


def _seen(here: Session, mirrored: Mirrored, key: UUID | None) -> tuple[Push, absorb.Absorbed]:
    push = Push(here.client, here.names, mirrored)
    push.read()
    # What this key has done already, and only we have forgotten, is nobody else's doing.
    held = backlog.waits(mirrored) or (key is not None and push.bears(key))
    return push, absorb.absorb(mirrored, push.fields, here.names, own=key, hold_state=held)


def _tell(mirrored: Mirrored, writes: Iterable[Write], push: Push | TicketError | None) -> None:
    """Tell iTop, or keep what it cannot be told now, in order."""
    fault, there = (push, None) if isinstance(push, TicketError) else (None, push)
    if fault is None and backlog.is_quiet():
        fault = ItopUnreachableError("iTop was away a moment ago.")
    for write in writes:
        if fault is None:
            fault = _carried(mirrored, write, there)
        if fault is not None:
            backlog.put(mirrored, write, fault)


def _carried(mirrored: Mirrored, write: Write, push: Push | None) -> TicketError | None:
    try:
        with transaction.atomic():
            here = session()
            push = push or Push(here.client, here.names, mirrored)
            push.carry_out(write)
            absorb.told(mirrored, push.fields, here.names, write.key, given=push.given)
    except backlog.OUTAGES as fault:
        mirrored.refresh_from_db()
        return fault
    except backlog.UNFIT as error:
        mirrored.refresh_from_db()
        return backlog.unfit(mirrored.ticket_id, error)
    return None


def _due(tickets: tuple[Ticket, ...]) -> tuple[Ticket, ...]:
    rows = select(
        "SELECT ref, tto_due_at, ttr_due_at FROM reading.itop_ticket WHERE ref = ANY(%s)",
        [[ticket.ref for ticket in tickets]],
    )
    due = {row.pop("ref"): row for row in rows}
    return tuple(replace(ticket, **due.get(ticket.ref, {})) for ticket in tickets)
