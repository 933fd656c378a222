"""What people did past the ledger, brought in later: a debt until somebody else has looked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from audit.models import BreakGlass


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a person did while the ledger could not be written."""

    who: str
    what: str
    claimed_at: datetime
    evidence_sha256: str
    ticket_ref: str = ""


def bring_in(deed: Deed, *, by: str, single_operator: bool) -> UUID | None:
    """Put a deed on record, marked as told afterwards; None where that was done before.

    Raises:
        DatabaseError: somebody is not named, it lies in the future, or its evidence has no digest.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.import_break_glass(%s, %s, %s, %s, %s, %s, %s)",
            [
                *(deed.who, deed.what, deed.ticket_ref, deed.claimed_at),
                *(deed.evidence_sha256, by, single_operator),
            ],
        )
        found = cursor.fetchone()[0]
    return None if found is None else UUID(str(found))


def acknowledge(deed_id: UUID, *, by: str, why: str, single_operator: bool) -> str:
    """Let a person say that he has looked; `acknowledged`, `acknowledged before` or `unknown`.

    Raises:
        DatabaseError: it is the doer or who brought it in, and more than one operate this house.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.acknowledge_break_glass(%s, %s, %s, %s)",
            [deed_id, by, why, single_operator],
        )
        return str(cursor.fetchone()[0])


def debts() -> QuerySet[BreakGlass]:
    """Return the deeds that nobody else has looked at yet, oldest first."""
    return BreakGlass.objects.filter(acknowledged_at=None)
