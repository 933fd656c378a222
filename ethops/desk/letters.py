"""What becomes of a letter: an answer in its ticket, a new ticket, or nothing, with a reason.

A sender is who the site's mail server says he is, and no more: a letter is a line that all may
read, or a wish. It moves nothing, approves nothing, and never speaks for the desk.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from adapters import registry
from adapters.errors import AdapterError
from adapters.text import one_line, plain
from adapters.tickets.beside import File
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.models import Ticket as Row
from adapters.tickets.models import Watcher
from adapters.tickets.port import NOTHING, Note, Ticket, TicketDraft
from audit.ledger import pending
from ethops import conf
from ethops.desk import answers
from ethops.executor import tickets
from ethops.mail import letter, loops
from ethops.mail.letter import Letter, Part
from ethops.mail.models import Letter as Kept
from ethops.notify import threads
from ethops.notify.models import Notice
from personas import queries

NAMESPACE: Final = UUID("d0a4f0d2-7a0b-4e13-8a55-0f8f2b6f9c44")
MOST_TEXT: Final = 16_000
REPLY: Final = re.compile(r"^(?:(?:re|aw|fwd?|wg|sv|antw)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
NOTHING_SAID: Final = "(nothing but files)"
UNTITLED: Final = "A letter without a subject"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: a login where his address has one, else the address itself."""

    name: str
    address: str


def read(number: int) -> None:
    """Read a letter once; a repeat of the work finds it read."""
    with transaction.atomic():
        row = Kept.objects.select_for_update().get(pk=number)
        if row.state == "stored":
            _read(row)


def _read(row: Kept) -> None:
    found = letter.read(bytes(row.raw))
    row.sender, row.message_id = found.sender, one_line(found.message_id, 300)
    why = _machine(row, found)
    if why:
        _end(row, "dropped", why)
        return
    sender = _sender(found.sender)
    if sender is None or loops.forged(found.headers):
        _refuse(row, "mail.forged" if sender else "mail.unknown_sender")
        return
    ticket = _ticket(found, sender)
    ref = _answer(row, found, sender, ticket) if ticket else _file(row, found, sender)
    _end(row, "answered" if ticket else "filed", "", ref)


def _machine(row: Kept, found: Letter) -> str:
    """Return why nobody answers this letter; empty where a person may have written it."""
    own = conf.house().mail_from
    if threads.is_own(found.message_id, own):
        return "our own message"
    return loops.machine(
        found.headers,
        sender=found.sender,
        envelope=row.envelope_from,
        own=own,
        received=found.received,
    )


def _sender(address: str) -> Sender | None:
    """Return who an address belongs to; nobody where we may not take his word for it."""
    if "@" not in address:
        return None
    logins = list(User.objects.filter(email__iexact=address, is_active=True)[:2])
    if len(logins) == 1 and not queries.is_card(logins[0].username):
        return Sender(logins[0].username, address)
    domain = address.rpartition("@")[2]
    known = (
        domain in {one.lower() for one in conf.house().mail_domains}
        or Row.objects.filter(requester=address).exists()
        or Watcher.objects.filter(address=address).exists()
    )
    return Sender(address, address) if known and not logins else None


def _ticket(found: Letter, sender: Sender) -> Ticket | None:
    """Return the ticket that a letter answers, if its sender has anything to do with it."""
    for ref in threads.refs(found.subject, found.references, conf.house().mail_from):
        try:
            ticket = registry.reader("tickets").get(ref)
        except TicketNotFoundError:
            continue
        if ticket.state != "closed" and _is_party(ticket, sender):
            return ticket
    return None


def _is_party(ticket: Ticket, sender: Sender) -> bool:
    if ticket.requester in {sender.name, sender.address}:
        return True
    watchers = Watcher.objects.filter(ticket_id=ticket.ref)
    if watchers.filter(address=sender.address).exists():
        return True
    if watchers.filter(person=sender.name).exists():
        return True
    return User.objects.filter(username=sender.name, is_staff=True, is_active=True).exists()


def _answer(row: Kept, found: Letter, sender: Sender, ticket: Ticket) -> str:
    text = letter.without_quotes(found.text)
    answers.answer(
        key=_key(row, sender, "answer"),
        ref=ticket.ref,
        person=_as_whom(ticket, sender),
        text=_said(text, found.files),
    )
    _attach(row, found.files, sender, ticket.ref)
    return ticket.ref


def _as_whom(ticket: Ticket, sender: Sender) -> str:
    return sender.address if ticket.requester == sender.address else sender.name


def _file(row: Kept, found: Letter, sender: Sender) -> str:
    subject = threads.REF.sub(" ", REPLY.sub("", found.subject))
    draft = TicketDraft(
        ticket_class="incident",
        title=one_line(subject, 200) or UNTITLED,
        description=_said(found.text, found.files),
        impact=3,
        urgency=2,
        author=sender.name,
        author_kind="person",
        detected_at=timezone.now(),
        tainted=True,
        requester=sender.name,
    )
    deed = tickets.open_by_person(key=_key(row, sender, "file"), draft=draft, vouched=NOTHING)
    _attach(row, found.files, sender, deed.ref)
    return deed.ref


def _said(text: str, files: tuple[Part, ...]) -> str:
    fit = plain(text, MOST_TEXT)
    return f"By mail:\n{fit}" if fit else f"By mail:\n{NOTHING_SAID if files else '(nothing)'}"


def _attach(row: Kept, files: tuple[Part, ...], sender: Sender, ref: str) -> None:
    """Keep the files; whoever sent one that is not kept is told which, and why."""
    refused = list(_refused(row, files, sender, ref))
    if not refused:
        return
    listed = "\n".join(f"- {one}" for one in refused)
    text = (
        f"Your words are in {ref}. Not kept was:\n\n{listed}\n\n"
        "Send it in smaller pieces, or say where it lies."
    )
    tickets.comment_by_rule(
        key=_key(row, sender, "refused"), ref=ref, rule="mail", text=text, tainted=True
    )
    Notice.objects.get_or_create(
        key=f"letter:{row.digest}",
        defaults={
            "rule": "mail",
            "ticket_ref": ref,
            "to": sender.name,
            "kind": "mail",
            "target": sender.address,
            "title": f"[{ref}] A file was not kept",
            "text": text,
            "next_at": timezone.now(),
        },
    )


def _refused(row: Kept, files: tuple[Part, ...], sender: Sender, ref: str) -> Iterator[str]:
    author = _as_whom(registry.reader("tickets").get(ref), sender)
    for number, file in enumerate(files):
        note = Note("", author, "person", tainted=True)
        try:
            with transaction.atomic():
                tickets.attach(
                    key=_key(row, sender, f"file {number}"),
                    ref=ref,
                    file=File(file.name, file.media_type, file.content),
                    note=note,
                )
        except AdapterError as fault:
            yield one_line(str(fault), 200)


def _key(row: Kept, sender: Sender, what: str) -> UUID:
    """Return a key of what a letter does: one that is delivered twice under one id does it once."""
    name = f"{row.message_id or row.digest}:{sender.address}:{what}"
    return uuid5(NAMESPACE, name)


def _refuse(row: Kept, code: str) -> None:
    pending.note(
        kind="event.refused_guest",
        subject=f"letter {row.pk}",
        body={"door": "mail", "code": code, "address": one_line(row.sender, 254), "person": ""},
    )
    _end(row, "refused", code)


def _end(row: Kept, state: str, reason: str, ref: str = "") -> None:
    row.state, row.reason, row.ticket_ref = state, reason, ref
    row.save(update_fields=["sender", "message_id", "state", "reason", "ticket_ref"])
