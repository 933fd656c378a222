"""A card as a page of the documentation: pure, so that a test can hold the page to the code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from personas.cards import CardDocument, CardFile, further_bounds
from personas.catalogue import EntryDocument
from personas.evaluation.scoring import GRADES, Score, Verdict, by_trap, score
from personas.guardrails.language import Declared
from personas.worst_case import risk_class, worst_case

_ASKING: Final = """\
Asking is not getting: the gate decides each time, and a play or a command needs `act` for this \
card, entry and class of CI, which a person gives."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a page is made of."""

    card: CardFile
    entries: Mapping[str, EntryDocument]
    verdicts: Sequence[Verdict]
    """What the shipped rules said to this card's part of the evaluation set."""
    guardrails: Sequence[Declared] = ()


def page(described: Described) -> str:
    """Return the whole page as Markdown."""
    card = described.card.document
    parts = [
        f"# {card.title}",
        _origin(card.name),
        *_waits(card),
        card.purpose,
        "Its job:",
        _items(card.duties),
        "It must not, and cannot:",
        _items(card.never),
        _table(("", ""), _about(described)),
        "## What it may ask for",
        _table(
            ("verb", "entry", "risk", "on CIs of class", "per ticket and CI", "an hour, all cards"),
            _grants(card, described.entries),
        ),
        *_commands(card),
        _ASKING,
        *_guardrails(card, described.guardrails),
        "## At worst",
        "If whoever thinks for it means harm:",
        _items(worst_case(card, described.entries)),
        *(_evaluation(described.verdicts) if card.dispatchable else ()),
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
    yield "begins with the question", card.first_question or "none yet"
    if card.looks_after:
        yield "is given incidents of CIs of class", ", ".join(card.looks_after)
    yield "hands over to", card.escalates_to
    yield "thinks with", f"slot `{card.slot}`" if card.slot else "the first chat slot of operations"
    bounds = f"{limits.max_steps} steps, {limits.max_actions} requests, {limits.max_duration_s} s"
    yield "budget of a run", ", ".join([bounds, *further_bounds(limits.said())])
    yield "risk class", risk_class(card, described.entries)
    yield "digest of the card", f"`{described.card.digest}`"
    yield "digest of its prompts", f"`{described.card.prompt_digest}`"


def _grants(card: CardDocument, entries: Mapping[str, EntryDocument]) -> Iterable[tuple[str, ...]]:
    for grant in card.grants:
        if not grant.entries:
            yield grant.verb, "", "", "", "", ""
        if grant.verb == "command.run":
            bounds = (str(grant.max_per_ticket), str(grant.max_per_hour))
            yield (
                grant.verb,
                grant.entries[0],
                str(grant.risk),
                ", ".join(grant.ci_classes),
                *bounds,
            )
            continue
        for name in grant.entries:
            entry = entries[name]
            bounds = (str(entry.max_per_ticket), str(entry.max_per_hour))
            yield grant.verb, name, entry.risk, ", ".join(grant.ci_classes), *bounds


def _waits(card: CardDocument) -> Iterable[str]:
    if card.waiting is None:
        return
    brings = (
        f"Issue {card.waiting.issue} brings it." if card.waiting.issue else "Nobody plans it yet."
    )
    yield f"**Not dispatched yet.** {card.waiting.why} {brings}"


def _commands(card: CardDocument) -> Iterable[str]:
    """Yield the patterns of its commands, the options, and what its questions offer of them."""
    if not card.scopes:
        return
    yield (
        "Its commands, as [patterns](../guardrails.md): `?` is one word, a last `*` any more words "
        "and the options named here, `{name}` what the CI declares."
    )
    rows = [
        (
            name,
            _code(scope.commands),
            _code(scope.options),
            f"{scope.timeout_s} s",
            _code(" ".join(look) for look in scope.looks.values()),
        )
        for name, scope in card.scopes.items()
    ]
    yield _table(("scope", "commands", "options", "ends after", "offered by its questions"), rows)


def _guardrails(card: CardDocument, rules: Sequence[Declared]) -> Iterable[str]:
    """Yield the rules that are asked when this card asks for something."""
    verbs = {grant.verb for grant in card.grants}
    found = [
        rule.document
        for rule in rules
        if (not rule.document.applies.cards or card.name in rule.document.applies.cards)
        and (not rule.document.applies.verbs or verbs & set(rule.document.applies.verbs))
        and (not rule.document.applies.tools or _tools(card) & set(rule.document.applies.tools))
    ]
    if found:
        yield "[Guardrails](../guardrails.md) that hold for it besides:"
        yield _table(("rule", "effect", "why"), ((r.id, r.effect, r.say) for r in found))


def _tools(card: CardDocument) -> set[str]:
    return {tool for scope in card.scopes.values() for tool in scope.tools}


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _items(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


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
