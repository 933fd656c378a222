"""Brings rules, scopes and first approvals into the rows that the gate reads; as the owner."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db import connection, transaction

from personas.cards import CardFile, GrantDocument
from personas.commands import elements
from personas.errors import BadDeclarationError
from personas.guardrails import conf, doors
from personas.guardrails.language import Declared, Example, read_rules
from personas.guardrails.models import CardApproval, CommandScope, Rule
from personas.models import Card


def tools_of(cards: Iterable[CardFile]) -> dict[str, tuple[str, ...]]:
    """Return each card's name with the programs that it is granted."""
    return {
        card.document.name: tuple(
            tool for scope in card.document.scopes.values() for tool in scope.tools
        )
        for card in cards
    }


@transaction.atomic
def load(cards: Sequence[CardFile]) -> list[str]:
    """Make the rows equal to the files, once these cards are loaded; returns what changed.

    Raises:
        BadDeclarationError: a file has a fault, or an example does not come true; nothing changed.
    """
    rules, faults = read_rules(conf.folders(), tools_of(cards))
    if faults:
        raise BadDeclarationError("; ".join(map(str, faults)))
    changed = [*filter(None, map(_rule, rules))]
    ids = [rule.document.id for rule in rules]
    gone = Rule.objects.filter(enabled=True).exclude(id__in=ids)
    changed += [f"rule {name} is off" for name in gone.values_list("id", flat=True)]
    gone.update(enabled=False)
    untrue = list(untrue_examples(rules))
    if untrue:
        raise BadDeclarationError("; ".join(untrue))
    for card in cards:
        changed += _scopes(card)
    return [*changed, *_first_approvals(cards)]


def untrue_examples(rules: Collection[Declared]) -> Iterator[str]:
    """Yield each example of a loaded rule that the database judges otherwise than its file says."""
    for rule in rules:
        for example in rule.document.must_stop:
            if not fires(rule, example):
                yield f"{rule.source}: {rule.document.id} does not stop {_shown(example)}."
        for example in rule.document.must_pass:
            if fires(rule, example):
                yield f"{rule.source}: {rule.document.id} stops {_shown(example)}."


def fires(rule: Declared, example: Example) -> bool:
    """Tell whether a rule, as it is loaded, says anything about an example."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM gate.firing(%s) WHERE id = %s)",
            [json.dumps(rule.example_facts(example)), rule.document.id],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def unloaded(cards: Sequence[CardFile]) -> list[str]:
    """Name what lies in the files and is not what the gate reads from the rows."""
    rules, _ = read_rules(conf.folders(), tools_of(cards))
    lie = {rule.document.id: _values(rule) for rule in rules}
    rows = {row.pop("id"): row for row in Rule.objects.filter(enabled=True).values("id", *_COLUMNS)}
    wanted = {
        (card.document.name, name): _bounds(scope)
        for card in cards
        for name, scope in card.document.scopes.items()
    }
    scopes = {
        (row.pop("card_id"), row.pop("name")): row
        for row in CommandScope.objects.values("card_id", "name", *_BOUNDS)
    }
    return [
        *(f"rule {name}" for name in sorted(_differing(lie, rows))),
        *(f"scope {' '.join(name)}" for name in sorted(_differing(wanted, scopes))),
    ]


def unapproved() -> list[str]:
    """Name the loaded cards that nobody has approved as they are loaded."""
    approved = set(CardApproval.objects.values_list("card", "digest", "prompt_digest"))
    return [
        card.name
        for card in Card.objects.filter(enabled=True).order_by("name")
        if (card.name, card.digest, card.document.get("prompt_digest", "")) not in approved
    ]


_COLUMNS: Final = ("effect", "applies", "when", "unless", "say", "digest")
_BOUNDS: Final = ("risk", "commands", "options", "timeout_s", "max_per_ticket", "max_per_hour")


def _values(rule: Declared) -> dict[str, Any]:
    document = rule.document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {
        "effect": document["effect"],
        "applies": document.get("applies", {}),
        "when": document.get("when", {}),
        "unless": document.get("unless", {}),
        "say": document["say"],
        "digest": rule.digest,
    }


def _rule(rule: Declared) -> str:
    values = _values(rule)
    old = Rule.objects.filter(id=rule.document.id, enabled=True).values(*_COLUMNS).first()
    if old == values:
        return ""
    defaults = {**values, "source": rule.source, "enabled": True}
    Rule.objects.update_or_create(id=rule.document.id, defaults=defaults)
    return f"rule {rule.document.id}"


def _bounds(scope: GrantDocument) -> dict[str, Any]:
    return {
        "risk": scope.risk,
        "commands": [list(elements(pattern)) for pattern in scope.commands],
        "options": list(scope.options),
        "timeout_s": scope.timeout_s,
        "max_per_ticket": scope.max_per_ticket,
        "max_per_hour": scope.max_per_hour,
    }


def _scopes(card: CardFile) -> Iterator[str]:
    wanted = {name: _bounds(scope) for name, scope in card.document.scopes.items()}
    CommandScope.objects.filter(card_id=card.document.name).exclude(name__in=wanted).delete()
    for name, bounds in wanted.items():
        key: dict[str, Any] = {"card_id": card.document.name, "name": name}
        if CommandScope.objects.filter(**key).values(*_BOUNDS).first() != bounds:
            CommandScope.objects.update_or_create(defaults=bounds, **key)
            yield f"scope {card.document.name} {name}"


def _first_approvals(cards: Iterable[CardFile]) -> Iterator[str]:
    """Approve what was never there before: whoever installs a version takes its cards with it."""
    for card in cards:
        if doors.install_card(card=card.document.name, told=card.told):
            yield f"card {card.document.name} is approved"


def _differing(files: Mapping[Any, Any], rows: Mapping[Any, Any]) -> set[Any]:
    return {name for name in files.keys() | rows.keys() if files.get(name) != rows.get(name)}


def _shown(example: Example) -> str:
    return " ".join(example.argv) or json.dumps(example.facts, sort_keys=True)
