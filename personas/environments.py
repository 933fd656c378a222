"""Which environment a run is at work in: that of its CIs, as the site file declares it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from adapters import registry
from adapters.environments import OPERATIONS, DeclaredEnvironment, usual
from personas.models import Environment

NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Map:
    """Ref of a CI, or else its class -> the environment."""

    cis: Mapping[str, str]
    classes: Mapping[str, str]

    def of(self, cis: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Return the environments that CIs, each with its class, were given by anybody."""
        found = {self.cis.get(ref) or self.classes.get(ci_class, "") for ref, ci_class in cis}
        return frozenset(found - {""})


def one_of(found: frozenset[str]) -> str:
    """Return where a run about all of these is at work: what is of several is of operations."""
    return next(iter(found)) if len(found) == 1 else OPERATIONS


def of(refs: Sequence[str]) -> frozenset[str]:
    """Return the environments that the site gives to CIs; none where it says nothing of them."""
    if not refs:
        return NONE
    given = list(Environment.objects.filter(declared=True))
    if not any(one.cis or one.classes for one in given):
        return NONE
    by = Map(
        cis={ref: one.name for one in given for ref in one.cis},
        classes={ci_class: one.name for one in given for ci_class in one.classes},
    )
    return by.of((ci.ref, ci.ci_class) for ci in registry.reader("cmdb").by_refs(refs))


def names() -> list[str]:
    """Return every environment, declared or made by a person."""
    return list(Environment.objects.order_by("name").values_list("name", flat=True))


@transaction.atomic
def load(declared: Iterable[DeclaredEnvironment]) -> list[str]:
    """Make the declared environments what the file says; returns what changed.

    One that it no longer names stays, with the usual bounds and without CIs: runs may be in it.
    """
    rows = {row.name: row for row in Environment.objects.all()}
    wanted = {one.name: one for one in declared}
    changed = []
    for name in sorted(wanted.keys() | {name for name, row in rows.items() if row.declared}):
        row, one = rows.get(name) or Environment(name=name), wanted.get(name)
        before = None if name not in rows else _said(row)
        row.max_concurrent, row.max_queued = one.bounds if one else usual(name)
        row.cis, row.classes = (list(one.cis), list(one.classes)) if one else ([], [])
        row.declared = one is not None
        if _said(row) != before:
            row.save()
            changed.append(f"environment {name}")
    return changed


def _said(row: Environment) -> tuple[object, ...]:
    return row.max_concurrent, row.max_queued, row.cis, row.classes, row.declared
