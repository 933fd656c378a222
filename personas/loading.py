"""Brings cards, catalogue and guardrails into the rows that the gate reads; as the owner."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction

from personas import conf
from personas import entries as catalogue
from personas.cards import CardFile, read_cards
from personas.catalogue import Pinned
from personas.errors import BadDeclarationError
from personas.guardrails import loading as guardrails
from personas.models import Card, CatalogueEntry, Grant


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought in, and which of it was new or different."""

    cards: int
    entries: int
    changed: tuple[str, ...]


@transaction.atomic
def load() -> Loaded:
    """Load them all; what is no longer declared is switched off, never removed.

    Raises:
        BadDeclarationError: a file has a fault; nothing was changed.
    """
    cards, card_faults = read_cards(conf.cards_folder())
    entries, entry_faults = catalogue.read()
    faults = [*card_faults, *entry_faults]
    if faults:
        raise BadDeclarationError("; ".join(str(fault) for fault in faults))
    changed = [*filter(None, map(_card, cards)), *filter(None, map(_entry, entries))]
    names = [card.document.name for card in cards]
    Card.objects.exclude(name__in=names).update(enabled=False)
    CatalogueEntry.objects.exclude(name__in=[e.name for e in entries]).update(enabled=False)
    changed += guardrails.load(cards)
    return Loaded(len(cards), len(entries), tuple(changed))


def unloaded() -> list[str]:
    """Name what lies in the files and is not what the gate reads from the rows.

    Raises:
        DatabaseError: the rows cannot be read.
    """
    cards, _ = read_cards(conf.cards_folder())
    entries, _ = catalogue.read()
    digests = {
        card.name: f"{card.digest} {card.document.get('prompt_digest')}"
        for card in Card.objects.filter(enabled=True)
    }
    pinned = dict(CatalogueEntry.objects.filter(enabled=True).values_list("name", "tree_hash"))
    rows = set(Grant.objects.values_list("card_id", "verb", "entry", "ci_class"))
    lie = {card.document.name: f"{card.digest} {card.prompt_digest}" for card in cards}
    files = {entry.name: entry.tree_hash for entry in entries}
    granted = {right for card in cards for right in _rights(card)}
    return [
        *(f"card {name}" for name in sorted(_differing(lie, digests))),
        *(f"entry {name}" for name in sorted(_differing(files, pinned))),
        *(f"grant {' '.join(filter(None, right))}" for right in sorted(granted ^ rows)),
        *guardrails.unloaded(cards),
    ]


def _differing(files: Mapping[str, str], rows: Mapping[str, str]) -> set[str]:
    return {name for name in files.keys() | rows.keys() if files.get(name) != rows.get(name)}


def _rights(card: CardFile) -> Iterator[tuple[str, str, str, str]]:
    for grant in card.document.grants:
        for entry in grant.entries or ("",):
            for ci_class in grant.ci_classes or ("",):
                yield card.document.name, grant.verb, entry, ci_class


def _card(file: CardFile) -> str:
    card = file.document
    # What a model is told is as much of the card as its file.
    document = {
        **card.model_dump(mode="json"),
        "limits": card.limits.said(),
        "prompt_digest": file.prompt_digest,
    }
    old = Card.objects.filter(name=card.name, enabled=True).first()
    if old is not None and (old.digest, old.document) == (file.digest, document):
        return ""
    Card.objects.update_or_create(
        name=card.name,
        defaults={
            "title": card.title,
            "purpose": card.purpose,
            "team": card.team,
            "digest": file.digest,
            "limits": card.limits.said(),
            "document": document,
            "enabled": True,
        },
    )
    Grant.objects.filter(card_id=card.name).delete()
    for name, verb, entry, ci_class in _rights(file):
        Grant.objects.create(card_id=name, verb=verb, entry=entry, ci_class=ci_class)
    return f"card {card.name} {file.digest}"


def _entry(pinned: Pinned) -> str:
    entry = pinned.document
    values = {
        "title": entry.title,
        "risk": entry.risk,
        "tree_hash": pinned.tree_hash,
        "approved_hash": pinned.approved_hash,
        "parameters": {
            name: parameter.model_dump(by_alias=True)
            for name, parameter in entry.parameters.items()
        },
        "timeout_s": entry.timeout_s,
        "max_per_ticket": entry.max_per_ticket,
        "max_per_hour": entry.max_per_hour,
        "document": entry.model_dump(mode="json", by_alias=True),
        "enabled": True,
    }
    old = CatalogueEntry.objects.filter(name=pinned.name).values(*values).first()
    if old == values:
        return ""
    CatalogueEntry.objects.update_or_create(name=pinned.name, defaults=values)
    return f"entry {pinned.name} {pinned.tree_hash}"
