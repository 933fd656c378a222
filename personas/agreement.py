"""Whether cards, catalogue, code and evaluation set agree: pure; each fault has file and line."""

from collections.abc import Collection, Iterator, Mapping

from adapters.declared import Fault
from personas.cards import CardFile
from personas.catalogue import EntryDocument
from personas.runtime.plan import OPTIONAL, VERBS


def faults(
    cards: Collection[CardFile],
    entries: Mapping[str, EntryDocument],
    evaluated: Collection[str],
) -> Iterator[Fault]:
    """Yield what is granted and cannot be, is asked for and not granted, or was never tried."""
    for card in cards:
        yield from _unknown_entries(card, entries)
        yield from _shadowed_scopes(card, entries)
        if card.document.first_question is None:
            continue
        yield from _missing_verbs(card)
        yield from _unasked_verbs(card)
        if card.document.name not in evaluated:
            what = f"{card.document.name} has no case in the evaluation set."
            mend = "Add incidents with traps to personas/evaluation/cases/."
            yield card.read.fault(("name",), what, mend)


def cautions(cards: Collection[CardFile]) -> Iterator[str]:
    """Yield what is declared and does not work yet, so that nobody takes it for done."""
    for card in cards:
        waiting = card.document.waiting
        if waiting is not None:
            brings = f"issue {waiting.issue} brings it" if waiting.issue else "nobody plans it yet"
            yield f"{card.document.name} cannot be dispatched: {waiting.why} ({brings})"


def _unasked_verbs(card: CardFile) -> Iterator[Fault]:
    """A right for which no code asks is one that only a hostile model would use."""
    begins = card.document.first_question or ""
    asked = VERBS[begins] | OPTIONAL.get(begins, frozenset())
    for number, grant in enumerate(card.document.grants):
        if grant.verb not in asked:
            what = f"{card.document.name} is granted {grant.verb}, for which its code never asks."
            yield card.read.fault(("grants", number), what, "Take the grant away.")


def _shadowed_scopes(card: CardFile, entries: Mapping[str, EntryDocument]) -> Iterator[Fault]:
    for number, grant in enumerate(card.document.grants):
        for name in grant.entries:
            if grant.verb == "command.run" and name in entries:
                what = f"The scope {name} is called like an entry of the catalogue."
                yield card.read.fault(("grants", number, "entries"), what, "Name it otherwise.")


def _unknown_entries(card: CardFile, entries: Mapping[str, EntryDocument]) -> Iterator[Fault]:
    for number, grant in enumerate(card.document.grants):
        for name in grant.entries if grant.verb == "playbook.run" else ():
            if name not in entries:
                what = f"{card.document.name} is granted {name}, which is not in the catalogue."
                mend = f"Name one of {', '.join(sorted(entries)) or 'none'}."
                yield card.read.fault(("grants", number, "entries"), what, mend)


def _missing_verbs(card: CardFile) -> Iterator[Fault]:
    granted = {grant.verb for grant in card.document.grants}
    for verb in sorted(VERBS[card.document.first_question or ""] - granted):
        what = f"{card.document.name} will ask for {verb}, which it is not granted."
        yield card.read.fault(("grants",), what, "Grant it, or each such run ends as failed.")
