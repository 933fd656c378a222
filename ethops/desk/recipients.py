"""Whom a rule of notices means at a ticket: contacts, the requester, watchers, who has it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from adapters.tickets.models import Watcher
from adapters.tickets.port import Ticket
from ethops import conf
from ethops.executor import targets
from ethops.notify.models import Contact, Rule


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody with the way to reach him; `login` is empty for an address without one."""

    to: str
    kind: str
    target: str
    login: str = ""


def of(rule: Rule, ticket: Ticket) -> list[Recipient]:
    """Return whom a rule means, each once; whoever cannot be reached is left out.

    A house without a mail server reaches nobody by mail, and does not try.
    """
    mail = bool(conf.house().smtp_url)
    found = dict.fromkeys(_of(rule, ticket))
    return [one for one in found if one.target and (mail or one.kind != "mail")]


def _of(rule: Rule, ticket: Ticket) -> Iterator[Recipient]:
    if rule.whom == "contact":
        yield from contact(rule.contact)
    elif rule.whom == "team" and ticket.team:
        yield from contact(ticket.team)
    elif rule.whom == "assignee" and ticket.assignee:
        yield from person(ticket.assignee)
    elif rule.whom == "requester" and ticket.requester:
        yield from person(ticket.requester)
    elif rule.whom == "watchers":
        for one in Watcher.objects.filter(ticket_id=ticket.ref).order_by("id"):
            yield from person(one.person) if one.person else address(one.address)


def named(name: str) -> Contact | None:
    """Return a contact; one of the site file goes before one of the desk."""
    return Contact.objects.filter(name=name).order_by("-declared").first() if name else None


def contact(name: str) -> Iterator[Recipient]:
    """Yield how a contact is reached."""
    found = named(name)
    if found is not None:
        kind, target = targets.of_kind(found.kind, found.target)
        yield Recipient(found.name, kind, target, found.name)


def person(name: str) -> Iterator[Recipient]:
    """Yield how a person is reached: as his contact says, at his login's address, or by name."""
    known = list(contact(name))
    if known:
        yield from known
        return
    email = (
        User.objects.filter(username=name, is_active=True).values_list("email", flat=True).first()
    )
    if email:
        yield Recipient(name, "mail", email, name)
    elif email is None:
        yield from address(name)


def address(name: str) -> Iterator[Recipient]:
    """Yield an address of mail that has no login."""
    local, at, host = name.rpartition("@")
    if at and local and host:
        yield Recipient(name, "mail", name)
