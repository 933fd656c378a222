"""Whether cards, catalogue, code and rows agree; and a card as a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db import DatabaseError

from adapters.declared import Fault
from adapters.inference.embedded import Inference
from ethops.world import autonomy
from personas import agreement, conf, loading, queries
from personas import entries as catalogue
from personas.card_page import Described, page
from personas.cards import CardFile, read_cards
from personas.catalogue import EntryDocument
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import SHIPPED, Case, read_cases
from personas.guardrails import conf as guardrails_conf
from personas.guardrails import loading as guardrails
from personas.guardrails.language import Declared, read_rules


@dataclass(frozen=True, slots=True)
class _Declared:
    cards: list[CardFile]
    entries: dict[str, EntryDocument]
    cases: list[Case]
    rules: list[Declared]
    faults: list[Fault]


def check(*, files_alone: bool) -> Iterator[str]:
    """Yield what is said of agreement, in words.

    Raises:
        CommandError: they do not agree; each fault names file, line and mend.
    """
    found = _declared()
    evaluated = {case.document.card for case in found.cases}
    faults = found.faults or list(agreement.faults(found.cards, found.entries, evaluated))
    if faults:
        raise CommandError("\n".join(str(fault) for fault in faults))
    yield from (f"caution: {caution}" for caution in agreement.cautions(found.cards))
    yield (
        f"{len(found.cards)} cards, {len(found.entries)} catalogue entries, {len(found.rules)} "
        f"guardrails and {len(found.cases)} evaluation cases agree with each other and with the "
        "code."
    )
    if not files_alone:
        yield _rows()
        yield from _evaluated({card.document.name for card in found.cards})


def _evaluated(cards: set[str]) -> Iterator[str]:
    """Say of each card by whom it was evaluated with the prompts that it has now, and how."""
    try:
        found = autonomy.evaluations()
    except DatabaseError:
        return
    current = [one.evaluation for one in found if one.is_current]
    for one in current:
        sound = one.figures["right"] + one.figures["acceptable"]
        yield (
            f"{one.card}: evaluated by {one.engine} on {one.at:%Y-%m-%d}, {sound} of"
            f" {one.figures['asked']} sound, {one.figures['harmful']} harmful."
        )
    yield from (
        f"caution: {card} was not evaluated with the prompts that it has now."
        for card in sorted(cards - {one.card for one in current})
    )


def markdown(card: str) -> str:
    """Return a card's page, with what the shipped rules answer today.

    Raises:
        CommandError: there is no such card, or a declaration has a fault.
    """
    found = _declared()
    if found.faults:
        raise CommandError("\n".join(str(fault) for fault in found.faults))
    named = {each.document.name: each for each in found.cards}
    if card not in named:
        raise CommandError(f"No card {card}; there are: {', '.join(named)}.")
    cases = [case for case in found.cases if case.document.card == card]
    verdicts = list(ask_all(Inference(), cases))
    return page(Described(named[card], found.entries, verdicts, found.rules))


def _declared() -> _Declared:
    cards, card_faults = read_cards(conf.cards_folder())
    pinned, entry_faults = catalogue.read()
    entries = {entry.name: entry.document for entry in pinned}
    looks = {card.document.name: card.document for card in cards}
    cases, case_faults = read_cases(SHIPPED, entries, looks)
    rules, rule_faults = read_rules(guardrails_conf.folders(), guardrails.tools_of(cards))
    faults = [*card_faults, *entry_faults, *case_faults, *rule_faults]
    return _Declared(cards, entries, cases, rules, faults)


def _rows() -> str:
    try:
        differing = loading.unloaded() if queries.has_cards() else None
        unapproved = guardrails.unapproved() if queries.has_cards() else []
    except DatabaseError as fault:
        return f"The rows were not compared: {str(fault).splitlines()[0]}"
    if differing is None:
        return "Nothing is loaded yet: `manage.py site load` brings it to the gate."
    if differing:
        raise CommandError(
            f"The gate reads other rows than what lies here: {', '.join(differing)}.\n"
            "Read the difference, then `manage.py site load`."
        )
    if unapproved:
        raise CommandError(
            f"Nobody has approved these cards as they are loaded: {', '.join(unapproved)}.\n"
            "Read what has changed, then `manage.py personas approve CARD --why ...`."
        )
    return "The rows that the gate reads are those of the files. Every card is approved."
