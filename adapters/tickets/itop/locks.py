"""The lock of a ticket across workers: its row, waited for longer than a role's own patience."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction

from adapters.tickets.itop.errors import ItopBusyError
from adapters.tickets.itop.models import Mirrored

PATIENCE_S: Final = 25
"""A write takes two seconds of a slow iTop; more than ten in a row are no race but a jam."""
OWN: Final = 4
"""So many times a role's own patience with locks is ours, where that is longer: a person waits."""

_LIMITS: Final = """
    SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),
           greatest(%s * extract(epoch FROM current_setting('lock_timeout')::interval), %s)::int
"""


def locked(ref: str) -> Mirrored | None:
    """Return the ticket's row, locked until the transaction ends; None where it is ours alone.

    Raises:
        ItopBusyError: somebody has held it for too long.
    """
    with _patient(ref):
        return Mirrored.objects.select_for_update().filter(ticket_id=ref).first()


@contextmanager
def _patient(what: str) -> Iterator[None]:
    """Wait up to our own patience, and leave the session's limits as they were."""
    names = ("lock_timeout", "statement_timeout")
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, [OWN, PATIENCE_S])
        *before, patience = cursor.fetchone()
        for name in names:
            cursor.execute("SELECT set_config(%s, %s, true)", [name, f"{patience}s"])
        try:
            with transaction.atomic():
                yield
        except OperationalError as error:
            raise ItopBusyError(f"{what} is being written by another process.") from error
        finally:
            for name, value in zip(names, before, strict=True):
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
