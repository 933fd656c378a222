"""Has a person told, through the gate and the ledger like every other effect."""

from uuid import UUID, uuid5

from adapters.text import one_line, plain
from ethops.executor import targets
from personas import gate
from personas.queries import NoticeFacts

NAMESPACE = UUID("f1b4c1b7-6f47-4b7e-9c27-3f1d1d6a0d04")


MOST_TRIES = 20
OF_RULES = "notices"
"""The rule under which people's own rules tell."""
MOST_OF_RULES = 2
"""What a rule tells is told again by itself where somebody has to have it."""


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


def tell(*, rule: str, key: str, ticket_ref: str, title: str, text: str, to: str = "") -> int:
    """Order one notice per target, once per (rule, key, target); returns how many.

    `to` is a team or a person; nobody in particular is told where the site says.
    """
    ordered = 0
    for kind, target in sorted(targets.of_name(to) if to else targets.everybody()):
        args = {
            "kind": kind,
            "target": target,
            "title": one_line(title, 250),
            "text": plain(text, 4000) or one_line(title, 250),
        }
        notice = _key(key, kind, target)
        if gate.order_notice(rule=rule, key=notice, ticket_ref=ticket_ref, args=args):
            ordered += 1
    return ordered


def order(
    *, rule: str, key: str, ticket_ref: str, to: tuple[str, str], title: str, text: str
) -> bool:
    """Order one notice to one target, once per (rule, key); False where that was done before."""
    kind, target = to
    args = {
        "kind": kind,
        "target": target,
        "title": one_line(title, 250),
        "text": plain(text, 4000) or one_line(title, 250),
    }
    made = gate.order_notice(
        rule=rule, key=str(uuid5(NAMESPACE, key)), ticket_ref=ticket_ref, args=args
    )
    return made is not None
