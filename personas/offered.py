"""Whether the service catalogue asks of cards what they may do: pure; faults have file and line."""

from collections.abc import Collection, Iterator
from itertools import product

from adapters.declared import Fault, Read
from adapters.site import Site
from adapters.tickets.declared import DeclaredRequestModel
from personas.cards import CardDocument

NEEDED = ("ticket.escalate", "ticket.resolve")
"""What every run that does a request asks for besides its entries."""


def faults(found: Read[Site], cards: Collection[CardDocument]) -> Iterator[Fault]:
    """Yield request models whose card is not there, has no runs, or lacks a right that it needs."""
    known = {card.name: card for card in cards}
    for number, model in enumerate(found.value.request_models if found.value else ()):
        if not model.card:
            continue
        loc, card = ("request_models", number, "card"), known.get(model.card)
        if card is None or not card.dispatchable:
            names = ", ".join(sorted(name for name, one in known.items() if one.dispatchable))
            yield found.fault(loc, f"No card {model.card} has runs.", f"Name one of {names}.")
            continue
        lacking = sorted(_needed(model) - _granted(card))
        if lacking:
            what = f"{card.name} is not granted {', '.join(' '.join(one) for one in lacking)}."
            mend = "Name another card, or other `classes`: what is requested gives no right."
            yield found.fault(loc, what.replace("  ", " "), mend)


def _needed(model: DeclaredRequestModel) -> set[tuple[str, ...]]:
    classes = [ci_class for field in model.fields for ci_class in field.classes]
    return {(verb,) for verb in NEEDED} | {
        ("playbook.run", step.entry, ci_class)
        for step in model.steps
        if step.entry
        for ci_class in classes
    }


def _granted(card: CardDocument) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for grant in card.grants:
        pairs = product(grant.entries, grant.ci_classes)
        found |= {(grant.verb, *pair) for pair in pairs} if grant.entries else {(grant.verb,)}
    return found
