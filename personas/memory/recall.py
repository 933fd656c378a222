"""Looks up what memory knows of an alert, as any role may that takes steps."""

from adapters.rows import select
from personas.memory.episodes import called
from personas.memory.giving import Item


def fitting(ci_class: str, alert: str) -> list[Item]:
    """Return what is known of an alert on a class of CI."""
    if not alert:
        return []
    rows = select(
        "SELECT id::text, kind, subject, held, seen FROM memory.recall(%s, %s)",
        [ci_class, called(alert)],
    )
    return [Item(**row) for row in rows]
