"""The policy language: rules as data, judged in the database at every proposal.

A rule fires where it applies, all of `when` hold and not all of `unless` do. It carries its own
examples; one without does not load, and one whose examples do not come true does not either.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, model_validator

from adapters import declared
from adapters.declared import Declaration, Fault, Read, refusal
from adapters.tools import ToolName
from personas.cards import Name, Risk, Verb

Scalar: TypeAlias = bool | int | float | Annotated[str, Field(max_length=200)]
Values: TypeAlias = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=50)]
Phrase: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9_]+( [a-z0-9_]+){0,5}$", max_length=80)]
Prefix: TypeAlias = Annotated[str, Field(min_length=1, max_length=80, pattern="^[!-~]+$")]
Slug: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,59}$")]
Effect: TypeAlias = Literal["refuse", "read-only", "confirm"]

FACTS: Final[Mapping[str, str]] = {
    "verb": "what is asked for",
    "card": "who asks",
    "entry": "the catalogue entry, or the scope of commands",
    "risk": "of the entry or scope: none, low, medium, high",
    "tool": "the program of a command",
    "argv": "all of a command, a list",
    "words": "what in it is no option, the program left out, a list",
    "options": "what in it begins with a dash, a list",
    "text": "every argument as one text",
    "ci.ref": "the CI that is touched",
    "ci.class": "its class",
    "ci.impact": "1 high to 3 low",
    "ci.user_facing": "whether users see it",
    "ci.lifeline": "whether the house stands on it",
    "ci.maintenance": "whether its owner declared maintenance for now",
    "ticket.class": "incident, change, ...",
    "ticket.state": "where the ticket stands",
    "ticket.priority": "P1 to P4",
    "ticket.team": "whose it is",
    "ticket.impact": "1 to 3",
    "ticket.urgency": "1 to 3",
    "run.priority": "0 critical to 4 backlog",
    "run.joined": "whether the alert was joined to one CI",
    "time.date": "today, as 2026-12-24, UTC",
    "time.hour": "0 to 23, UTC",
    "time.weekday": "mon to sun, UTC",
}
FAMILIES: Final[Mapping[str, str]] = {
    "args.": "one argument of the action, by name",
    "ci.attribute.": "one attribute that the CI declares",
    "intent.": "what whoever asked for the run said with it: one plain value, by name",
}
_FACT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


class Matcher(Declaration):
    """What one fact must be; several keys must all hold. A fact that is missing matches nothing
    but `exists: false`."""

    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: Annotated[Values | None, Field(alias="in")] = None
    not_in: Values | None = None
    gte: int | float | str | None = None
    lte: int | float | str | None = None
    has: Values | None = None
    """A list that holds one of these."""
    lacks: Values | None = None
    """A list that holds none of these."""
    starts: Annotated[tuple[Prefix, ...] | None, Field(min_length=1)] = None
    """A text, or something in a list, that begins with one of these."""
    says: Annotated[tuple[Phrase, ...] | None, Field(min_length=1)] = None
    """A text or list in which the words of one of these stand in this order, whatever is between
    and around them: letters, digits and _ make words, small letters alone."""
    exists: bool | None = None

    @model_validator(mode="after")
    def _asks(self) -> "Matcher":
        if not self.model_fields_set:
            raise refusal("This condition asks for nothing.", "Add eq, in, says or another.")
        return self


Conditions: TypeAlias = Annotated[dict[str, Matcher], Field(max_length=12)]


class Applies(Declaration):
    """Where a rule is looked at at all; a list that is not given means all."""

    verbs: tuple[Verb, ...] = ()
    cards: tuple[Name, ...] = ()
    tools: tuple[ToolName, ...] = ()
    entries: tuple[Name, ...] = ()


class Example(Declaration):
    """Something that might be asked, as the facts that the gate would see."""

    argv: tuple[str, ...] = ()
    facts: dict[str, Scalar] = Field(default_factory=dict)
    """Beside what follows from the rule's own bounds and from `argv`."""
    risk: Risk | None = None


class RuleDocument(Declaration):
    """One rule with its examples."""

    id: Slug
    applies: Applies = Applies()
    when: Conditions = Field(default_factory=dict)
    unless: Conditions = Field(default_factory=dict)
    effect: Effect
    say: Annotated[str, Field(min_length=10, max_length=300)]
    """Why, for whoever reads the denial."""
    must_stop: Annotated[tuple[Example, ...], Field(min_length=1, max_length=60)]
    """What it refuses, or gives to a person: tried at every load."""
    must_pass: Annotated[tuple[Example, ...], Field(min_length=1, max_length=60)]


class RuleFile(Declaration):
    """Rules of one file."""

    rules: Annotated[tuple[RuleDocument, ...], Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Declared:
    """A rule, where it stands, and the digest of its file."""

    document: RuleDocument
    source: str
    digest: str

    def example_facts(self, example: Example) -> dict[str, Any]:
        """Return the facts that an example stands for, by the names that the gate uses."""
        applies = self.document.applies
        first = {
            "verb": next(iter(applies.verbs), "command.run" if example.argv else "playbook.run"),
            "card": next(iter(applies.cards), "somebody"),
            "entry": next(iter(applies.entries), "something"),
        }
        if example.risk is not None:
            first["risk"] = example.risk
        if example.argv:
            return {**first, **argv_facts(example.argv), **example.facts}
        return {**first, **example.facts}


def argv_facts(argv: Collection[str]) -> dict[str, Any]:
    """Return what the gate tells rules about a command; the same table stands in SQL."""
    tool, *rest = argv
    return {
        "tool": tool,
        "argv": list(argv),
        "words": [each for each in rest if not each.startswith("-")],
        "options": [each for each in rest if each.startswith("-")],
        "text": " ".join(argv),
    }


def read_rules(
    folders: Collection[Path], cards: Mapping[str, Collection[str]]
) -> tuple[list[Declared], list[Fault]]:
    """Return the rules of some folders and everything wrong with them.

    `cards` are the known cards with the tools of each: a rule for others would never be looked at.
    """
    rules: list[Declared] = []
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        found = declared.read(path, RuleFile)
        faults += found.faults
        if found.value is None:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for number, rule in enumerate(found.value.rules):
            faults += _faults(found, number, rule, cards)
            if rule.id in seen:
                what = f"There is a second rule {rule.id}, beside {seen[rule.id]}."
                faults.append(found.fault(("rules", number, "id"), what, "Give it another id."))
            source = f"{path.name}:{found.line('rules', number)}"
            seen[rule.id] = source
            rules.append(Declared(rule, source, digest))
    return rules, faults


def _faults(
    found: Read[RuleFile], number: int, rule: RuleDocument, cards: Mapping[str, Collection[str]]
) -> Iterator[Fault]:
    here = ("rules", number)
    for part in ("when", "unless"):
        for fact in getattr(rule, part):
            yield from _fact_fault(found, (*here, part, fact), fact)
    if not rule.when and not rule.unless and rule.effect == "refuse":
        what = f"{rule.id} refuses everything that it applies to."
        yield found.fault(here, what, "Take the grant away instead, or say `when`.")
    tools = {tool for granted in cards.values() for tool in granted}
    for part, named, known in (
        ("cards", rule.applies.cards, set(cards)),
        ("tools", rule.applies.tools, tools),
    ):
        for name in sorted(set(named) - known):
            what = f"No card is called or granted {name}, so {rule.id} would not be looked at."
            yield found.fault((*here, "applies", part), what, f"Name one of {_known(known)}.")
    for part in ("must_stop", "must_pass"):
        for place, example in enumerate(getattr(rule, part)):
            yield from _example_faults(found, (*here, part, place), rule, example)


def _example_faults(
    found: Read[RuleFile], here: tuple[str | int, ...], rule: RuleDocument, example: Example
) -> Iterator[Fault]:
    for fact in example.facts:
        yield from _fact_fault(found, here, fact)
    if rule.applies.tools and (*example.argv, "")[0] not in rule.applies.tools:
        what = f"This example is of no tool that {rule.id} is about, so it shows nothing."
        yield found.fault(here, what, f"Let it begin with one of {_known(rule.applies.tools)}.")


def _fact_fault(found: Read[RuleFile], here: tuple[str | int, ...], fact: str) -> Iterator[Fault]:
    if not is_fact(fact):
        what = f"{fact} is no fact that the gate knows."
        yield found.fault(here, what, "Name one of docs/reference/guardrails.md.")


def is_fact(name: str) -> bool:
    """Tell whether the gate knows such a fact."""
    if name in FACTS:
        return True
    return bool(_FACT.fullmatch(name)) and any(
        name.startswith(family) and "." not in name.removeprefix(family) for family in FAMILIES
    )


def _known(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
