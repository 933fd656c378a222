"""Who is told of what happens to a ticket besides those whose work it is."""

from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from adapters.text import one_line
from adapters.tickets import deeds, models, port
from adapters.tickets.beside import Watcher
from adapters.tickets.errors import DraftRefusedError, NotAllowedError, TicketNotFoundError
from adapters.tickets.rights import roles_of

MOST_OF_A_TICKET: Final = 50


def watch(*, key: UUID, watcher: Watcher, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Have somebody told; run inside a transaction."""
    ticket = deeds.locked(watcher.ref)
    who = _who(watcher)
    _may(ticket, watcher, note, vouched)
    known = models.Watcher.objects.filter(ticket=ticket)
    if not known.filter(**who).exists():
        if known.count() >= MOST_OF_A_TICKET:
            raise DraftRefusedError(
                f"{MOST_OF_A_TICKET} watch {ticket.ref} already.",
                {"person": "Take somebody away first."},
            )
        by = one_line(note.author, 150)
        models.Watcher.objects.create(ticket=ticket, **who, why=watcher.why, by=by)
    return deeds.deed(key, "watch", "watched", ticket, None)


def unwatch(*, key: UUID, watcher: Watcher, note: port.Note, vouched: port.Vouched) -> port.Deed:
    """Have somebody told no more; run inside a transaction."""
    ticket = deeds.locked(watcher.ref)
    who = _who(watcher)
    _may(ticket, watcher, note, vouched)
    gone, _ = models.Watcher.objects.filter(ticket=ticket, **who).delete()
    if not gone:
        raise TicketNotFoundError(f"{'/'.join(filter(None, who.values()))} does not watch it.")
    return deeds.deed(key, "unwatch", "unwatched", ticket, None)


def _who(watcher: Watcher) -> dict[str, str]:
    """Return a login or an address, made fit; addresses of one box count once."""
    person = one_line(watcher.person, 150)
    address = watcher.address.strip().lower()
    fault = {}
    if bool(person) == bool(address):
        fault = {"person": "Name a login, or an address of mail."}
    if address:
        try:
            validate_email(address)
        except ValidationError:
            fault = {"address": "This is no address of mail."}
    if fault:
        raise DraftRefusedError(f"Nobody can watch {watcher.ref} so.", fault)
    return {"person": person, "address": address}


def _may(ticket: models.Ticket, watcher: Watcher, note: port.Note, vouched: port.Vouched) -> None:
    roles = roles_of(note.author, note.author_kind, vouched, requester=ticket.requester)
    if roles & {"operator", "rule"}:
        return
    is_himself = note.author_kind == "person" and watcher.person == note.author
    if not (is_himself and "requester" in roles):
        raise NotAllowedError(f"{ticket.ref}: others are for the desk and for rules to add.")
