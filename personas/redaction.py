"""Taking away what was said beside the ledger, as far as rows of ours hold it."""

import json
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Redaction:
    """What was taken away, where, and what holds it still."""

    gone: bool
    """Whether there was such a value."""
    ticket: str
    """Whose rows were looked through; empty where the value belongs to none."""
    verb: str
    reached: dict[str, int]
    """Kind of row -> how many lost words."""
    values: list[str]
    """Digests of other values of the ticket that hold the same words."""
    entries: list[int]
    """Entries of the ticket that quote them: only retention takes these away."""


def take_away(*, digest: str, by: str, why: str) -> Redaction:
    """Take a value away at a named person's word, and its words from the rows of its ticket.

    Raises:
        DatabaseError: nobody is named, or the action of the value is still open.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.take_away(%s, %s, %s)", [digest, by, why])
        said = json.loads(cursor.fetchone()[0])
    held = said.pop("held")
    return Redaction(**said, values=held["values"], entries=held["entries"])


def forget_pruned() -> int:
    """Take from actions, as the owner of the tables, what retention took from beside the ledger."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.forget_pruned()")
        return int(cursor.fetchone()[0])
