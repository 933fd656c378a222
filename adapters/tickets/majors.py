"""Major incidents: declared by criteria, led by a person, with children, until somebody ends it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from adapters.rows import now, select
from adapters.text import one_line
from adapters.tickets import deeds, models, port
from adapters.tickets.errors import (
    DraftRefusedError,
    KeyReusedError,
    MoveRefusedError,
    NotAllowedError,
)
from adapters.tickets.rights import roles_of
from adapters.tickets.states import is_open

DECLARERS: Final = frozenset[port.Role]({"operator", "rule"})


@dataclass(frozen=True, slots=True)
class Major:
    """That an incident is a major one; `lead` is empty until a person leads, `ended_at` until over.

    `criteria` say why it is one, each in a line.
    """

    ref: str
    lead: str
    declared_by: str
    declared_at: datetime
    criteria: tuple[str, ...]
    update_minutes: int
    ended_by: str
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Tell whether somebody has ended it."""
        return self.ended_at is not None


def of_ticket(ref: str) -> Major | None:
    """Return what makes this incident a major one, over or not."""
    found = _read("WHERE ref = %s", [ref])
    return found[0] if found else None


def at_work() -> tuple[Major, ...]:
    """Return those that are not over, oldest first."""
    return _read("WHERE ended_at IS NULL ORDER BY declared_at", [])


def _read(where: str, params: list[object]) -> tuple[Major, ...]:
    rows = select(
        "SELECT ref, lead, declared_by, declared_at, criteria, update_minutes, ended_by, ended_at"
        f" FROM reading.major {where}",
        params,
    )
    return tuple(Major(**row | {"criteria": tuple(json.loads(row["criteria"]))}) for row in rows)


@transaction.atomic
def declare(
    *,
    key: UUID,
    ref: str,
    criteria: tuple[str, ...],
    update_minutes: int,
    lead: str,
    note: port.Note,
    vouched: port.Vouched,
) -> port.Deed:
    """Declare an open incident a major one; one that was ended before is one again.

    Raises:
        TicketNotFoundError: no ticket has this ref.
        MoveRefusedError: it is no open incident, or is a major one, or a child of another.
        NotAllowedError: it is for the desk and for rules to declare one.
        DraftRefusedError: nobody says why.
    """
    ticket = deeds.locked(ref)
    done = _done(key, "major", ref)
    if done is not None:
        return done
    _may(ticket, note, vouched, DECLARERS, "declare a major incident")
    was = models.Major.objects.filter(ticket=ticket).first()
    if was is not None and was.ended_at is None:
        raise MoveRefusedError(f"{ref} is a major incident already.")
    if ticket.ticket_class != "incident" or not is_open(ticket.state) or ticket.parent_id:
        raise MoveRefusedError(
            f"{ref} is no open incident of its own, so it cannot be a major one."
        )
    said = [why for one in criteria if (why := one_line(one, 300))]
    if not said:
        raise DraftRefusedError(f"{ref}: nobody says why.", {"why": "Say why it is a major one."})
    who = f"Led by {lead}." if lead else "It needs a person who leads."
    text = (
        f"This is a major incident: {'; '.join(said).rstrip('.')}. {who} Agents only look and tell;"
        f" people say how it stands every {update_minutes} minutes."
    )
    # Before it is one, so that it is no update of it.
    line = deeds.line(ticket, replace(note, text=text))
    models.Major.objects.update_or_create(
        ticket=ticket,
        defaults={
            "lead": one_line(lead, 150),
            "declared_by": one_line(note.author, 150),
            "declared_at": now(),
            "criteria": said,
            "update_minutes": update_minutes,
            "ended_by": "",
            "ended_at": None,
        },
    )
    return deeds.deed(key, "major", "declared", ticket, line)


@transaction.atomic
def lead(*, key: UUID, ref: str, lead: str, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Have a person lead it from now on.

    Raises:
        TicketNotFoundError: no ticket has this ref.
        MoveRefusedError: it is no major incident that is not over.
        NotAllowedError: it is for the desk to say who leads.
    """
    ticket = deeds.locked(ref)
    done = _done(key, "major", ref)
    if done is not None:
        return done
    _may(ticket, note, vouched, frozenset({"operator"}), "say who leads")
    major = _current(ticket)
    major.lead = one_line(lead, 150)
    major.save(update_fields=["lead"])
    said = replace(note, text=f"{lead} leads.")
    return deeds.deed(key, "major", "led", ticket, deeds.line(ticket, said))


@transaction.atomic
def end(*, key: UUID, ref: str, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Say that it is a major incident no more; agents may act again as ever.

    Raises:
        TicketNotFoundError: no ticket has this ref.
        MoveRefusedError: it is no major incident that is not over.
        NotAllowedError: it is for the desk to end it.
    """
    ticket = deeds.locked(ref)
    done = _done(key, "major", ref)
    if done is not None:
        return done
    _may(ticket, note, vouched, frozenset({"operator"}), "end a major incident")
    major = _current(ticket)
    major.ended_by, major.ended_at = one_line(note.author, 150), now()
    major.save(update_fields=["ended_by", "ended_at"])
    said = replace(note, text="It is a major incident no more. Its review can be read.")
    return deeds.deed(key, "major", "ended", ticket, deeds.line(ticket, said))


def _current(ticket: models.Ticket) -> models.Major:
    found = models.Major.objects.filter(ticket=ticket, ended_at__isnull=True).first()
    if found is None:
        raise MoveRefusedError(f"{ticket.ref} is no major incident.")
    return found


def _may(
    ticket: models.Ticket,
    note: port.Note,
    vouched: port.Vouched,
    who: frozenset[port.Role],
    what: str,
) -> None:
    roles = roles_of(note.author, note.author_kind, vouched, requester=ticket.requester)
    if not roles & who:
        raise NotAllowedError(f"{ticket.ref}: it is for {' or '.join(sorted(who))} to {what}.")


def _done(key: UUID, verb: port.Verb, ref: str) -> port.Deed | None:
    found = deeds.find(key)
    if found is None:
        return None
    if (found.verb, found.ref) != (verb, ref):
        raise KeyReusedError(f"Key {key} is that of {found.verb} on {found.ref}.")
    return replace(found, repeated=True)
