"""Which items a run is given: few, by name, the most trusted first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from adapters.json_value import JSON

MOST_GIVEN: Final = 3
HELD_BACK: Final = 5
"""One run in so many is given nothing, so that it shows what memory is good for."""
SEMANTIC_FROM: Final = 2
"""So often a sign must have been seen before it is told."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item with how often it held, of how many times it was seen."""

    id: str
    kind: str
    subject: str
    held: int
    seen: int

    @property
    def trust(self) -> float:
        """How far it may be believed, 0 to 1: by Laplace's rule, so that once is not always."""
        return (self.held + 1) / (self.seen + 2)


def given(run: UUID, items: Iterable[Item]) -> tuple[Item, ...]:
    """Return the items that this run is given: at most three, the most trusted first."""
    if is_held_back(run):
        return ()
    telling = [one for one in items if _tells(one)]
    return tuple(sorted(telling, key=lambda one: (-one.trust, one.subject, one.id))[:MOST_GIVEN])


def is_held_back(run: UUID) -> bool:
    """Tell whether this run goes without, to compare by; nobody can choose it."""
    return run.int % HELD_BACK == 0


def facts(items: Iterable[Item]) -> dict[str, JSON]:
    """Return the facts of a question: which items it was given, and what they say."""
    told = list(items)
    if not told:
        return {}
    return {
        "memory.given": [one.id for one in told],
        "memory.says": [f"{one.subject}: {one.held} of {one.seen} times" for one in told],
    }


def _tells(one: Item) -> bool:
    if one.kind == "procedural":
        return one.held > 0
    return one.seen >= SEMANTIC_FROM and 2 * one.held >= one.seen
