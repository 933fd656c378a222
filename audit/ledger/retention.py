"""Retention and epochs: what may go from the ledger, and that it goes on from an older state."""

from uuid import UUID

from django.db import connection


def declare_pruning(
    *, first: int, last: int, policy: str, days: int, archive_sha256: str, by: str, why: str
) -> None:
    """Say on record that the bytes of these entries may go, since an archive holds them.

    Nothing goes before that entry lies below a signed tree head and the owner prunes.

    Raises:
        DatabaseError: nobody is named, the range is not below the newest tree head, or too young.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.declare_pruning(%s, %s, %s, %s, %s, %s, %s)",
            [first, last, policy, days, archive_sha256, by, why],
        )


def prune(*, batch: int = 1_000) -> int:
    """Let go what may go, as the owner of the tables; returns how many entries that were."""
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT audit.prune(%s)", [batch])
            count = int(cursor.fetchone()[0])
        gone += count
        if count < batch:
            return gone


def declare_epoch(*, by: str, why: str, known_size: int, known_root: str) -> UUID:
    """Say on record that the ledger goes on from an older state; returns the log's new name.

    `known_size` and `known_root` (hex) are the last tree head that is known outside.

    Raises:
        DatabaseError: nobody is named, or no reason is given.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit.declare_epoch(%s, %s, %s, %s)", [by, why, known_size, known_root]
        )
        return UUID(str(cursor.fetchone()[0]))
