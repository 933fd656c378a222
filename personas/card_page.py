"""A card as a page of the documentation: pure, so that a test can hold the page to the code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.inference.rendering import prompt_digest
from personas.cards import CardDocument, CardFile
from personas.catalogue import EntryDocument
from personas.evaluation.scoring import GRADES, Score, Verdict, by_trap, score
from personas.worst_case import risk_class, worst_case

_ASKING: Final = """\
Asking is not getting: the gate decides each time, and a play needs `act` for this card, entry and \
class of CI, which a person gives."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a page is made of."""

    card: CardFile
    entries: Mapping[str, EntryDocument]
    verdicts: Sequence[Verdict]
    """What the shipped rules said to this card's part of the evaluation set."""


def page(described: Described) -> str:
    """Return the whole page as Markdown."""
    card = described.card.document
    parts = [
        f"# {card.title}",
        _origin(card.name),
        card.purpose,
        _table(("", ""), _about(described)),
        "## What it may ask for",
        _table(
            ("verb", "entry", "risk", "on CIs of class", "per ticket and CI", "an hour, all cards"),
            _grants(card, described.entries),
        ),
        _ASKING,
        "## At worst",
        "If whoever thinks for it means harm:",
        "\n".join(f"- {sentence}" for sentence in worst_case(card, described.entries)),
        *_evaluation(described.verdicts),
    ]
    return "\n\n".join(parts) + "\n"


def _origin(name: str) -> str:
    return (
        f"Written by `manage.py personas show --markdown {name}`; a test holds it to the code. "
        f"Source: [`personas/cards/{name}.yaml`](../../../personas/cards/{name}.yaml)."
    )


def _about(described: Described) -> Iterable[tuple[str, ...]]:
    card, limits = described.card.document, described.card.document.limits
    yield "team", card.team
    yield "begins with the question", card.first_question
    yield "hands over to", card.escalates_to
    yield "thinks with", f"slot `{card.slot}`" if card.slot else "the first chat slot of operations"
    yield (
        "budget of a run",
        (f"{limits.max_steps} steps, {limits.max_actions} requests, {limits.max_duration_s} s"),
    )
    yield "risk class", risk_class(card, described.entries)
    yield "digest of the card", f"`{described.card.digest}`"
    yield "digest of its prompts", f"`{prompt_digest(card.name)}`"


def _grants(card: CardDocument, entries: Mapping[str, EntryDocument]) -> Iterable[tuple[str, ...]]:
    for grant in card.grants:
        if not grant.entries:
            yield grant.verb, "", "", "", "", ""
        for name in grant.entries:
            entry = entries[name]
            bounds = (str(entry.max_per_ticket), str(entry.max_per_hour))
            yield grant.verb, name, entry.risk, ", ".join(grant.ci_classes), *bounds


def _evaluation(verdicts: Sequence[Verdict]) -> Iterable[str]:
    yield "## Evaluation with the rules"
    whole = score("all", verdicts)
    yield (
        "As this version of the code answers the [evaluation set](../evaluation.md); "
        "`manage.py personas eval --model NAME` asks any model the same."
    )
    columns = ("trap", "asked", *GRADES, "to a person")
    yield _table(columns, (_row(each) for each in [*by_trap(verdicts), whole]))
    known = whole.calibration
    if known.brier is None or known.ece is None:
        yield "Nothing was to be done in any case, so no confidence was put to the test."
        return
    yield (
        f"Confidence, over {known.outcomes} answers on which something would have been done: Brier "
        f"{known.brier:.3f}, ECE {known.ece:.3f}; {known.said}."
    )


def _row(each: Score) -> tuple[str, ...]:
    counts = (each.asked, *(each.grades[grade] for grade in GRADES), each.abstained)
    return (each.name, *(str(count or "") for count in counts))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
