"""Times of entries against those at which witnesses signed: they have clocks of their own."""

from collections.abc import Iterator

from django.db import connection

SLACK = "10 minutes"
"""Longer than any transaction of ours lives, and than clocks differ that somebody keeps."""

# Dated before a head that does not hold it, and before its neighbour as well: a recorder that had
# to catch up records old facts too, but all of them are.
BACKDATED = f"""
    SELECT e.seq, e.at, c.size, c.at FROM audit_entry e
      JOIN audit_entry p ON p.seq = e.seq - 1 AND e.at < p.at - interval '{SLACK}'
     CROSS JOIN LATERAL (
           SELECT o.size, o.at FROM audit_cosignature o
            WHERE o.size < e.seq AND lower(o.administrator) <> (
                  SELECT lower(administrator) FROM audit_witnessing WHERE id = 1)
            ORDER BY o.size DESC LIMIT 1) c
     WHERE e.seq > %s AND e.seq <= %s AND e.at < c.at - interval '{SLACK}' ORDER BY e.seq
"""


def faults(*, since: int, upto: int) -> Iterator[str]:
    """Yield the entries after `since` that are dated before a head that does not hold them."""
    with connection.cursor() as cursor:
        cursor.execute(BACKDATED, [since, upto])
        for seq, at, size, signed in cursor.fetchall():
            yield (
                f"#{seq}: dated {at:%Y-%m-%d %H:%M:%S}, but was not there at"
                f" {signed:%Y-%m-%d %H:%M:%S}, when a witness signed the head of {size}"
            )
