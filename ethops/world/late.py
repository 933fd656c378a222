"""Pages of long lists: their keys are found first, by an index alone, and then these rows are read.

Else every row that a page leaves behind is read and joined, and thrown away.
"""

from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class LateRows:
    """Rows that are counted and cut as a list is, and read when it is known which are wanted."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        """Take them in their order."""
        self._rows = rows

    def count(self) -> int:
        """Return how many there are."""
        return self._rows.count()

    def __getitem__(self, place: slice) -> QuerySet[Any, Any]:
        """Return the rows of a place."""
        keys = list(self._rows.values_list("pk", flat=True)[place])
        return self._rows.filter(pk__in=keys) if keys else self._rows.none()


class LatePaginator(Paginator[Any]):
    """A paginator of such rows; of what is searched for it counts and shows so many at most."""

    most: int | None = None

    @cached_property
    def count(self) -> int:
        """Return how many rows are to be had."""
        rows = self._rows
        return rows.count() if self.most is None else rows.order_by()[: self.most].count()

    def page(self, number: int | str) -> Page[Any]:
        """Return a page."""
        found = super().page(number)
        first = (found.number - 1) * self.per_page
        found.object_list = LateRows(self._rows)[first : min(first + self.per_page, self.count)]
        return found

    @property
    def _rows(self) -> QuerySet[Any, Any]:
        return cast("QuerySet[Any, Any]", self.object_list)
