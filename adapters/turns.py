"""Whose turn it is where one at a time is at it: `busy_until` of a row, by the database's clock."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from adapters.rows import now


def take(row: QuerySet[Any], takes: timedelta) -> datetime | None:
    """Return until when the turn is ours; None where somebody has it who is not believed dead."""
    at = now()
    free = row.filter(Q(busy_until=None) | Q(busy_until__lt=at))
    return at + takes if free.update(busy_until=at + takes) else None


def give_back(row: QuerySet[Any], until: datetime | None) -> None:
    """End the turn that was ours until then: who took longer does not end that of another."""
    row.filter(busy_until=until).update(busy_until=None)
