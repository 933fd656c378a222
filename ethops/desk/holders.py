"""Ends sessions that hold a transaction open: others wait for the locks that they keep."""

import logging
from collections import Counter

from django.db import connection, transaction

from audit.ledger import pending

DOOR = "public.end_holders()"
INTERVAL_SECONDS = 5.0

log = logging.getLogger(__name__)


def end_holders() -> int:
    """End who is past the bounds of his role, on record; returns how many.

    A database that was made ready by hand, and before there was this door, is left as it is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [DOOR])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT role, held_s FROM public.end_holders()")
        ended = [(str(role), int(held_s)) for role, held_s in cursor.fetchall()]
        for role, count in sorted(Counter(role for role, _ in ended).items()):
            longest = max(held_s for one, held_s in ended if one == role)
            log.warning("%s of %s sat in a transaction, up to %s s: ended", count, role, longest)
            pending.note(
                kind="site.holders_ended",
                subject=role,
                body={"role": role, "sessions": count, "held_s": longest},
            )
    return len(ended)
