"""What memory knows, how often it held, and whether it helped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from personas.memory import learning
from personas.memory.giving import Item as Counted
from personas.memory.models import Evidence, Item, Learned


@dataclass(frozen=True, slots=True)
class Helped:
    """Runs to which an item fitted, with it named and without, and how many of each went well."""

    given: int = 0
    given_well: int = 0
    without: int = 0
    without_well: int = 0

    @property
    def gain(self) -> float | None:
        """Share that went well with it less the share without; None where one side is empty."""
        if not self.given or not self.without:
            return None
        return self.given_well / self.given - self.without_well / self.without


@dataclass(frozen=True, slots=True)
class Known:
    """One item with its counts."""

    item: Item
    held: int
    seen: int
    newest: int
    helped: Helped

    @property
    def trust(self) -> float:
        """How far it may be believed, 0 to 1."""
        return Counted(str(self.item.id), self.item.kind, "", self.held, self.seen).trust


def items() -> QuerySet[Any]:
    """Return items with how often they held, of how many, and their newest entry."""
    return Item.objects.annotate(
        held=Count("evidence", filter=Q(evidence__held=True)),
        seen=Count("evidence"),
        newest=Max("evidence__source_seq"),
    ).order_by("kind", "ci_class", "alert", "subject")


def helped() -> Mapping[UUID, Helped]:
    """Return what each item was good for."""
    return {item: Helped(*counts) for item, counts in learning.helped().items()}


def known(most: int) -> list[Known]:
    """Return what runs may be given, the most often seen first; two queries."""
    good_for = helped()
    rows = items().exclude(kind="episodic").order_by("-seen", "subject")[:most]
    return [
        Known(one, one.held, one.seen, one.newest, good_for.get(one.id, Helped())) for one in rows
    ]


def episodes(most: int) -> list[Evidence]:
    """Return what happened last, with its item."""
    rows = Evidence.objects.filter(item__kind="episodic").select_related("item")
    return list(rows.order_by("-at")[:most])


def learned() -> int:
    """Count the runs that memory has looked at."""
    return Learned.objects.count()
