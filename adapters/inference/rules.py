"""Rules of the embedded engine: declared, ordered, and nothing in them that runs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from adapters import declared
from adapters.declared import Declaration, Read, refusal
from adapters.inference.port import QuestionKind
from adapters.json_value import JSON

SHIPPED: Final = Path(__file__).resolve().parent / "rules.yaml"
FIELD: Final = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FactPath = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*$", max_length=80)]
Scalar = bool | int | float | str


def _template(text: str) -> str:
    if re.search(r"[{}]", FIELD.sub("", text)):
        raise refusal("A brace here is no {fact.path}.", "Write fields as {alert.name}.")
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise refusal(f"Not a regular expression: {error}.", "Correct it.") from error
    return text


class Fact(Declaration):
    """Another fact, to compare with."""

    fact: FactPath


Bound = int | float | Fact


class Matcher(Declaration):
    """What one fact must be; several keys must all hold. A missing fact matches nothing
    but `exists: false`."""

    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: Annotated[tuple[Scalar, ...] | None, Field(alias="in", min_length=1)] = None
    gte: Bound | None = None
    lte: Bound | None = None
    matches: Annotated[str, Field(max_length=200), AfterValidator(_pattern)] | None = None
    """A regular expression that the whole text must match."""
    has: Scalar | None = None
    """The fact is a list that holds this."""
    lacks: Scalar | None = None
    """The fact is a list that does not hold this."""
    exists: bool | None = None

    @model_validator(mode="after")
    def _asks(self) -> "Matcher":
        if not self.model_fields_set:
            raise refusal("This condition asks for nothing.", "Add eq, in, gte or another.")
        return self


class Rule(Declaration):
    """If all conditions hold and the choice is on offer, choose it and say so."""

    id: Slug
    question: QuestionKind
    when: Annotated[Mapping[FactPath, Matcher], Field(min_length=1, max_length=16)]
    choose: Slug
    say: Annotated[str, Field(min_length=1, max_length=600), AfterValidator(_template)]
    confidence: Annotated[float, Field(ge=0, le=1)]


class RuleFile(Declaration):
    """Rules in the order in which they are tried."""

    rules: Annotated[tuple[Rule, ...], Field(max_length=500)]


def read_rules(path: Path) -> Read[RuleFile]:
    """Read a file of rules; an id used twice is a fault."""
    found = declared.read(path, RuleFile)
    if found.value is None:
        return found
    seen: set[str] = set()
    faults = []
    for number, rule in enumerate(found.value.rules):
        if rule.id in seen:
            what = f"There is a second rule {rule.id}."
            faults.append(found.fault(("rules", number, "id"), what, "Give it another id."))
        seen.add(rule.id)
    return Read(found.file, None, tuple(faults), found.lines) if faults else found


MISSING: Final = object()


def look_up(facts: Mapping[str, JSON], path: str) -> object:
    """Return a fact by its flat key or through nested mappings; MISSING where there is none."""
    if path in facts:
        return facts[path]
    here: object = facts
    for part in path.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return MISSING
        here = here[part]
    return here
