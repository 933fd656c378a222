"""Which repairs are the same one, and when that is once too often. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from adapters.text import one_line

Scope: TypeAlias = Literal["ci", "class"]

WITHIN: Final = timedelta(days=7)
TOO_OFTEN: Final = 3
"""The third same repair within that time is no repair any more: it hides a cause."""
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Repaired:
    """One change that was done for an incident; `card` is empty where no agent asked for it."""

    action: UUID
    ticket: str
    entry: str
    ci: str
    ci_class: str
    alert: str
    card: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pattern:
    """Repairs that are the same: of one CI, or for one alert on CIs of one class."""

    key: str
    scope: Scope
    entry: str
    repairs: tuple[Repaired, ...]
    """Oldest first."""

    @property
    def last(self) -> Repaired:
        """Return the one that was once too often."""
        return self.repairs[-1]

    @property
    def incidents(self) -> tuple[str, ...]:
        """Return the incidents that they were made for, each once."""
        return tuple(dict.fromkeys(one.ticket for one in self.repairs))

    @property
    def cis(self) -> tuple[str, ...]:
        """Return the CIs that they were made on, each once."""
        return tuple(dict.fromkeys(one.ci for one in self.repairs))

    @property
    def where(self) -> str:
        """Return what they were made on, as people say it."""
        if self.scope == "ci":
            return self.last.ci
        return f"{len(self.cis)} CIs of class {self.last.ci_class}"


def ci_key(one: Repaired) -> str:
    """Return what the same repair of one CI has in common."""
    return one_line(f"repair:{one.entry}:ci:{one.ci}", LONGEST)


def class_key(one: Repaired) -> str:
    """Return what the same repair for the same alert has in common, on whatever CI of a class."""
    return one_line(f"repair:{one.entry}:class:{one.ci_class}:{one.alert}", LONGEST)


def patterns(repairs: Iterable[Repaired]) -> list[Pattern]:
    """Return repairs by what they have in common; one repair may belong to two."""
    groups: dict[tuple[Scope, str], list[Repaired]] = {}
    for one in sorted(repairs, key=lambda one: (one.at, one.action)):
        groups.setdefault(("ci", ci_key(one)), []).append(one)
        if one.ci_class and one.alert:
            groups.setdefault(("class", class_key(one)), []).append(one)
    return [
        Pattern(key, scope, found[0].entry, tuple(found)) for (scope, key), found in groups.items()
    ]


def since(pattern: Pattern, moment: datetime | None) -> Pattern | None:
    """Return what of a pattern came after a moment; None where nothing did."""
    left = tuple(one for one in pattern.repairs if moment is None or one.at > moment)
    return Pattern(pattern.key, pattern.scope, pattern.entry, left) if left else None


def is_too_often(pattern: Pattern) -> bool:
    """Tell whether it is a problem: the same CI, or so many CIs of one class, once too often."""
    return spread_over(pattern.repairs, pattern.scope) >= TOO_OFTEN


def spread_over(repairs: Sequence[Repaired], scope: Scope) -> int:
    """Return how many of them count: of a class, each CI once."""
    return len(repairs) if scope == "ci" else len({one.ci for one in repairs})


def entry_of(key: str) -> str:
    """Return the entry of a pattern's key, "" where it is no such key."""
    kind, _, rest = key.partition(":")
    return rest.partition(":")[0] if kind == "repair" else ""
