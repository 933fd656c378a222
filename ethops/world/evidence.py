"""Evidence for safeguards held against the ledger: what was changed, put in or taken away since."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from adapters.compliance import queries
from adapters.compliance.canonical import identity
from audit.models import Entry, Pending

KINDS = ("event.evidence", "person.attested")
"""What was collected, and what a person has said."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How rows and record agree, by ids; a row that was changed has not the id of what it says."""

    checked: int
    changed: tuple[str, ...]
    unrecorded: tuple[str, ...]
    """Rows that no entry names: put in past the desk, or older than the ledger that is kept."""
    missing: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every row is as it was recorded, and none is missing."""
        return not (self.changed or self.unrecorded or self.missing)


def compare() -> Compared:
    """Hold every observation against what the ledger says was kept, both at one moment."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        stored = {key: identity(one) == key for key, one in queries.kept()}
        recorded = set(_recorded())
    return Compared(
        checked=len(stored),
        changed=tuple(key for key, same in stored.items() if not same),
        unrecorded=tuple(key for key in stored if key not in recorded),
        missing=tuple(sorted(recorded - stored.keys())),
    )


def _recorded() -> Iterator[str]:
    """Yield the ids that entries name, and facts that are on their way into the ledger."""
    for body in Entry.objects.filter(kind__in=KINDS).values_list("body", flat=True).iterator():
        yield from json.loads(bytes(body))["body"]["observations"]
    for fact in Pending.objects.filter(kind__in=KINDS).values_list("body", flat=True):
        yield from fact["observations"]
