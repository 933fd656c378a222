"""What is declared about cards and commands, as the gate reads it from the rows."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from personas.commands import covered
from personas.guardrails.models import CardApproval, CommandScope, Rule
from personas.models import Card, Grant

INTENT = "intent."
"""Facts that whoever asked for a run said with it."""


def scope(card: str, name: str) -> CommandScope | None:
    """Return a card's scope of commands, None where it has none of this name."""
    return CommandScope.objects.filter(card_id=card, name=name).first()


def is_granted(of: CommandScope, ci_class: str) -> bool:
    """Tell whether the card may use a scope on CIs of a class."""
    return Grant.objects.filter(
        card_id=of.card_id, verb="command.run", entry=of.name, ci_class=ci_class
    ).exists()


def covers(of: CommandScope, argv: tuple[str, ...], attributes: Mapping[str, object]) -> bool:
    """Tell whether a pattern of a scope covers a command, on a CI that declares these."""
    patterns = [" ".join(pattern) for pattern in of.commands]
    return covered(patterns, of.options, argv, attributes)


def approvals(card: str) -> QuerySet[CardApproval]:
    """Return what people have said yes to about a card, newest first."""
    return CardApproval.objects.filter(card=card)


def unapproved() -> list[Card]:
    """Return the cards that could have runs if somebody approved them as they are loaded."""
    approved = set(CardApproval.objects.values_list("card", "digest", "prompt_digest"))
    return [
        card
        for card in Card.objects.filter(enabled=True).order_by("name")
        if not card.document.get("waiting")
        and (card.name, card.digest, card.document.get("prompt_digest", "")) not in approved
    ]


def flags(card: str) -> frozenset[str]:
    """Return the names of what may be said with a run of this card so that a rule hears it."""
    about = Q(applies__cards=[]) | Q(applies__cards__isnull=True) | Q(applies__cards__contains=card)
    rules = Rule.objects.filter(about, enabled=True).values_list("when", "unless")
    return frozenset(
        fact.removeprefix(INTENT)
        for conditions in rules
        for facts in conditions
        for fact in facts
        if fact.startswith(INTENT)
    )
