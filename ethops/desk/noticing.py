"""Tells people what happened to tickets, as the rules say; again, until somebody has it."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from adapters import registry
from adapters.text import one_line, plain
from adapters.tickets.errors import TicketNotFoundError
from adapters.tickets.port import LogLine, Ticket
from adapters.tickets.states import is_open
from audit.ledger import pending
from ethops import conf
from ethops.desk import notices, recipients
from ethops.desk.recipients import Recipient
from ethops.notify import policy
from ethops.notify.models import Moment, Notice, Rule
from ethops.notify.policy import Fact, Occasion

log = logging.getLogger(__name__)

AT_ONCE: Final = 200
OCCASIONS: Final[Mapping[str, Occasion]] = {"open": "opened", "move": "moved", "comment": "said"}
LINK: Final = "{link}"
"""Where the one who sends puts the reader's own link, which no row may hold."""
KEEP: Final = timedelta(days=90)


def tell() -> int:
    """Look at what happened and at what is due; returns how many notices were ordered."""
    while _look():
        pass
    return _send_due()


@transaction.atomic
def _look() -> int:
    """Make notices of moments, oldest first; returns how many moments there were."""
    moments = list(Moment.objects.select_for_update(skip_locked=True).order_by("id")[:AT_ONCE])
    rules = list(Rule.objects.filter(enabled=True)) if moments else []
    for moment in moments:
        _notice(moment, rules)
    Moment.objects.filter(pk__in=[one.pk for one in moments]).delete()
    return len(moments)


def _notice(moment: Moment, rules: list[Rule]) -> None:
    occasion = OCCASIONS[moment.verb]
    try:
        ticket = registry.reader("tickets").get(moment.ticket_ref)
    except TicketNotFoundError:
        return
    line = _line(moment)
    if line is None or line.visibility != "public":
        return
    fact = Fact(
        occasion,
        ticket.ticket_class,
        ticket.priority,
        moment.state,
        ticket.service,
        moment.stimulus,
    )
    for rule in rules:
        if not policy.matches(rule.wanted, fact):
            continue
        for one in recipients.of(rule, ticket):
            # Nobody is told what he did himself, but that it was taken in.
            if occasion == "opened" or line.author not in {one.to, one.login}:
                _make(rule, ticket, one, line, f"{moment.deed}:{rule.name}:{one.target}", occasion)


def _line(moment: Moment) -> LogLine | None:
    lines = registry.reader("tickets").worklog(moment.ticket_ref)
    return next((one for one in lines if one.n == moment.line), None)


def _make(
    rule: Rule, ticket: Ticket, to: Recipient, line: LogLine, key: str, occasion: Occasion
) -> None:
    mine = ticket.requester in {to.to, to.login}
    Notice.objects.get_or_create(
        key=key[:300],
        defaults={
            "rule": rule.name,
            "ticket_ref": ticket.ref,
            "to": to.to,
            "kind": to.kind,
            "target": to.target,
            "reader": ticket.requester if mine else "",
            "priority": ticket.priority,
            "title": title(ticket, occasion, mine=mine),
            "text": words(ticket, line, occasion, mine=mine, login=bool(to.login)),
            "until_acknowledged": rule.until_acknowledged,
            "next_at": timezone.now(),
        },
    )


def title(ticket: Ticket, occasion: Occasion, *, mine: bool) -> str:
    """Return a line about it; who answers for it reads its priority first."""
    if mine:
        return one_line(f"[{ticket.ref}] {ticket.title}", 250)
    state = ticket.state.replace("_", " ")
    said = {"opened": "opened", "moved": state, "said": "something was said"}[occasion]
    return one_line(f"{ticket.priority} [{ticket.ref}] {said}: {ticket.title}", 250)


def words(ticket: Ticket, line: LogLine, occasion: Occasion, *, mine: bool, login: bool) -> str:
    """Return the text; what others wrote stands alone, and our own words come after it."""
    said = plain(line.text, 3_000)
    if mine and occasion == "opened":
        said = f"We have it: {ticket.title}."
    elif occasion == "said":
        said = f"{line.author} says:\n\n{said}"
    where = f"{conf.house().url}/tickets/{ticket.ref}/"
    if mine:
        where = f"{conf.house().url}/portal/tickets/{ticket.ref}/" if login else LINK
    ends = mine and ticket.state == "resolved"
    asks = "Close it, or open it again" if ends else "Follow it, or answer"
    return f"{said}\n\n{asks}: {where}"


def _send_due() -> int:
    ordered = 0
    now = timezone.now()
    due = Notice.objects.filter(next_at__lte=now).order_by("next_at").values_list("pk", flat=True)
    for pk in due[:AT_ONCE]:
        ordered += _send(pk)
    return ordered


@transaction.atomic
def _send(pk: UUID) -> int:
    """Order one notice, and say when it is due again."""
    row = Notice.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    now = timezone.now()
    if row is None or row.next_at is None or row.next_at > now:
        return 0
    contact = recipients.named(row.to)
    # The desk's own are put down for when they may go.
    quiet = contact.quiet if contact and not row.key.startswith(notices.OF_DESK) else None
    if row.acknowledged_at or (_needs_open(row) and not _still_open(row.ticket_ref)):
        return _next(row, None)
    when = policy.may_go(now, quiet, row.priority)
    if when > now:
        return _next(row, when)
    notices.order(
        rule=row.rule if row.key.startswith(notices.OF_DESK) else notices.OF_RULES,
        key=f"{row.pk}:{row.told + 1}",
        ticket_ref=row.ticket_ref,
        to=(row.kind, row.target),
        title=row.title,
        text=_with_button(row),
    )
    row.told += 1
    if row.until_acknowledged:
        if contact and contact.escalates_to and policy.escalates(row.told):
            _escalate(row, contact.escalates_to)
        _next(row, policy.next_time(row.told, now, quiet, row.priority))
    else:
        _next(row, None)
    return 1


def _next(row: Notice, at: object) -> int:
    Notice.objects.filter(pk=row.pk).update(next_at=at, told=row.told)
    return 0


def _needs_open(row: Notice) -> bool:
    """Tell whether a notice is for nothing once its ticket is settled."""
    of_desk = row.key.startswith(notices.OF_DESK)
    return bool(row.told) or (of_desk and row.rule in notices.ASKS)


def _still_open(ref: str) -> bool:
    try:
        return not ref or is_open(registry.reader("tickets").get(ref).state)
    except TicketNotFoundError:
        return False


def _with_button(row: Notice) -> str:
    if not row.until_acknowledged:
        return row.text
    again = f" This is time {row.told + 1}." if row.told else ""
    address = f"{conf.house().url}/portal/notices/{row.pk}/"
    return f"{row.text}\n\nSay that you have it, and you are not told again:{again} {address}"


def _escalate(row: Notice, name: str) -> None:
    """Tell the one after him, too; he is asked to acknowledge it as well."""
    for one in recipients.contact(name):
        Notice.objects.get_or_create(
            key=f"{row.key}>{name}"[:300],
            defaults={
                "rule": row.rule,
                "ticket_ref": row.ticket_ref,
                "to": one.to,
                "kind": one.kind,
                "target": one.target,
                "priority": row.priority,
                "title": row.title,
                "text": f"{row.to} was told {row.told} times and did not answer.\n\n{row.text}",
                "until_acknowledged": True,
                "next_at": timezone.now(),
            },
        )


@transaction.atomic
def acknowledge(*, notice: UUID, person: str) -> bool:
    """Say that somebody has it: nobody is told of it again; False where it was so before."""
    row = Notice.objects.select_for_update().filter(pk=notice, acknowledged_at=None).first()
    if row is None:
        return False
    root = row.key.partition(">")[0]
    # Whoever of a chain has it, the others need not be woken.
    chain = Notice.objects.filter(key__startswith=root, acknowledged_at=None)
    chain.update(acknowledged_at=timezone.now(), acknowledged_by=person, next_at=None)
    pending.note(
        kind="person.acknowledged",
        subject=str(row.pk),
        ticket_ref=row.ticket_ref,
        body={"person": person, "rule": row.rule, "told": row.told},
    )
    return True
