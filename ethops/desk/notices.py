"""Has a person told, through the gate and the ledger like every other effect."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from django.utils import timezone

from adapters import registry
from adapters.text import one_line, plain
from adapters.tickets.errors import TicketNotFoundError
from ethops.executor import targets
from ethops.notify import policy
from ethops.notify.models import Notice
from ethops.notify.policy import Quiet
from personas import gate
from personas.queries import NoticeFacts

NAMESPACE = UUID("f1b4c1b7-6f47-4b7e-9c27-3f1d1d6a0d04")


OF_DESK: Final = "desk:"
"""How the key of a notice begins that no rule of people's tells."""
ASKS: Final = frozenset({"escalation", "approval", "question", "people_first"})
"""Rules that ask something of somebody, which is over once the ticket is settled."""
MOST_TRIES = 20
OF_RULES = "notices"
"""The rule under which people's own rules tell."""
MOST_OF_RULES = 2
"""What a rule tells is told again by itself where somebody has to have it."""
TO_ANSWER: Final = timedelta(hours=1)
"""So long somebody needs at least for what he can do only until then."""


def again(lost: NoticeFacts, *, ticket_ref: str) -> None:
    """Order a notice anew that reached nobody, twenty times at most, of people's rules twice."""
    first, _, tries = lost.key.partition("+")
    number = int(tries or 0) + 1
    if number <= (MOST_OF_RULES if lost.rule == OF_RULES else MOST_TRIES):
        gate.order_notice(
            rule=lost.rule, key=f"{first}+{number}", ticket_ref=ticket_ref, args=lost.args
        )


def keys(key: str) -> list[str]:
    """Return the key of each notice that `tell` orders under this one, one per declared target."""
    return [_key(key, kind, target) for kind, target in sorted(targets.everybody())]


def _key(key: str, kind: str, target: str) -> str:
    return str(uuid5(NAMESPACE, f"{key}:{kind}:{target}"))


def tell(
    *,
    rule: str,
    key: str,
    ticket_ref: str,
    title: str,
    text: str,
    to: str = "",
    by: datetime | None = None,
    pierces: bool = False,
) -> int:
    """Order one notice per target, once per (rule, key, target); returns how many.

    `to` is a team or a person; nobody in particular is told where the site says. Who has quiet
    hours is told after them, unless the ticket is P1, `pierces` says that it cannot wait, or `by`,
    until when something can be done about it, would be over.
    """
    ordered = 0
    for pair in sorted(targets.of_name(to) if to else targets.everybody()):
        quiet = None if pierces else targets.quiet(pair)
        notice = _key(key, *pair)
        args = _args(pair, title, text)
        if quiet is not None:
            ordered += _put_down(rule, notice, ticket_ref, to, args, quiet, by)
        elif gate.order_notice(rule=rule, key=notice, ticket_ref=ticket_ref, args=args):
            ordered += 1
    return ordered


def _args(pair: targets.Pair, title: str, text: str) -> dict[str, str]:
    shown = one_line(title, 250)
    return {
        "kind": pair[0],
        "target": pair[1],
        "title": shown,
        "text": plain(text, 4000) or shown,
    }


def _put_down(
    rule: str,
    key: str,
    ticket_ref: str,
    to: str,
    args: dict[str, str],
    quiet: Quiet,
    by: datetime | None,
) -> int:
    """Write down what somebody with quiet hours is told, and when; it is ordered when it is due."""
    now = timezone.now()
    at = policy.may_go(now, quiet, _priority(ticket_ref))
    _, made = Notice.objects.get_or_create(
        key=f"{OF_DESK}{rule}:{key}",
        defaults={
            "rule": rule,
            "ticket_ref": ticket_ref,
            "to": to,
            "next_at": now if by is not None and by < at + TO_ANSWER else at,
            **args,
        },
    )
    return int(made)


def _priority(ticket_ref: str) -> str:
    """Return how urgent it is; of what has no ticket nobody knows, so that it does not wait."""
    try:
        return registry.reader("tickets").get(ticket_ref).priority
    except TicketNotFoundError:
        return policy.PIERCES


def order(
    *, rule: str, key: str, ticket_ref: str, to: tuple[str, str], title: str, text: str
) -> bool:
    """Order one notice to one target, once per (rule, key); False where that was done before."""
    args = _args(to, title, text)
    made = gate.order_notice(
        rule=rule, key=str(uuid5(NAMESPACE, key)), ticket_ref=ticket_ref, args=args
    )
    return made is not None
