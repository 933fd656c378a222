"""What belongs together in the ledger: permits and outcomes, and no entry twice."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

# An outcome of what nobody permitted, and a permit that is there twice. Where retention took bytes,
# the permit may be among them: an outcome says which entry that was, older ones did not yet.
PAIRS = """
    SELECT a.seq, a.kind, a.permit FROM (
        SELECT e.seq, e.kind, e.body,
               (SELECT min(p.seq) FROM audit_entry p
                 WHERE p.subject = e.subject AND p.kind = 'action.authorised') AS permit
          FROM audit_entry e
         WHERE e.seq > %s AND e.seq <= %s
           AND e.kind IN ('action.authorised', 'action.outcome', 'action.expired', 'action.void',
                          'action.in_doubt')) a
     WHERE a.permit < a.seq AND a.kind = 'action.authorised'
        OR a.kind <> 'action.authorised' AND (a.permit IS NULL OR a.permit > a.seq)
           AND NOT EXISTS (
               SELECT 1 FROM audit_entry g
                WHERE g.kind = 'pruned' AND g.seq < a.seq
                  AND g.seq = CASE
                      WHEN audit.content_of(a.body) #>> '{body,intent_seq}' ~ '^[0-9]{1,18}$'
                      THEN (audit.content_of(a.body) #>> '{body,intent_seq}')::bigint
                      ELSE g.seq END)
     ORDER BY a.seq
"""

# Nothing happens twice in the same microsecond in the same words.
TWICE = """
    SELECT e.seq, min(d.seq) FROM audit_entry e
      JOIN audit_entry d ON d.at = e.at AND d.seq < e.seq AND d.body = e.body
     WHERE e.seq > %s AND e.seq <= %s AND e.kind <> 'pruned'
     GROUP BY e.seq ORDER BY e.seq
"""

ANY = 2**62
"""A stamp may also name an entry that is not there."""

# A permit was acted on, and its row says by which entry: that entry must be about it.
STAMPS = """
    SELECT w.id::text, w.entry_seq FROM audit_work w
      LEFT JOIN audit_entry e ON e.seq = w.entry_seq
     WHERE w.kind = 'effect' AND w.entry_seq > %s AND w.entry_seq <= %s
       AND e.subject IS DISTINCT FROM w.id::text AND e.kind IS DISTINCT FROM 'pruned'
     ORDER BY w.entry_seq
"""


def faults(*, since: int, upto: int) -> Iterator[str]:
    """Yield what does not belong together among the entries after `since`, in words."""
    for seq, kind, permit in _rows(PAIRS, since, upto):
        if kind == "action.authorised":
            yield f"#{seq}: permits again what #{permit} permits"
        else:
            yield f"#{seq}: {kind} of what no entry before it permits"
    for seq, first in _rows(TWICE, since, upto):
        yield f"#{seq}: repeats #{first} word for word"
    for work, seq in _rows(STAMPS, since, ANY):
        yield f"#{seq}: is not about effect {work}, which was stamped with it"


def _rows(statement: str, since: int, upto: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [since, upto])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
