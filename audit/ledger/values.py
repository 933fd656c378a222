"""Values beside the ledger: read, and held against the entries that commit to them.

An entry names them under `values`, by name and commitment. One that is gone has a tombstone: an
entry `ledger.redacted` about it, which may still wait to be written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from audit.commitments import commitment
from audit.models import Value

PAGE = 2_000

COMMITTED = """
    SELECT e.seq, v.key, v.value, b.salt, b.value,
           EXISTS (
               SELECT 1 FROM public.audit_entry t
                WHERE t.subject = v.value AND t.kind = 'ledger.redacted')
           OR EXISTS (
               SELECT 1 FROM public.audit_pending p
                WHERE p.subject = v.value AND p.kind = 'ledger.redacted')
      FROM public.audit_entry e,
           -- OFFSET keeps the bytes from being read twice.
           LATERAL (SELECT audit.content_of(e.body) #> '{body,values}' AS said OFFSET 0) s,
           LATERAL jsonb_each_text(CASE jsonb_typeof(s.said) WHEN 'object' THEN s.said
                                   ELSE '{}' END) v
      LEFT JOIN public.audit_value b ON b.digest = v.value
     WHERE e.seq > %s AND e.seq <= %s AND position('"values":{'::bytea IN e.body) > 0
     ORDER BY e.seq
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that an entry commits to; `text` is None where it was taken away."""

    name: str
    digest: str
    text: str | None


def of(said: object) -> list[Kept]:
    """Return the values of an entry's body, with what is left of them."""
    named = said.get("values") if isinstance(said, Mapping) else None
    if not isinstance(named, Mapping):
        return []
    digests = {str(name): str(digest) for name, digest in named.items()}
    found = dict(Value.objects.filter(pk__in=digests.values()).values_list("digest", "value"))
    return [Kept(name, digest, found.get(digest)) for name, digest in digests.items()]


def faults(*, since: int, upto: int) -> Iterator[str]:
    """Yield what is wrong with the values of the entries after `since`, in words."""
    for start in range(since, upto, PAGE):
        with connection.cursor() as cursor:
            cursor.execute(COMMITTED, [start, min(start + PAGE, upto)])
            rows = cursor.fetchall()
        for seq, name, digest, salt, value, buried in rows:
            if salt is None:
                if not buried:
                    yield f"#{seq}: its value {name} is gone, and no entry says who took it away"
            elif commitment(bytes(salt), value) != digest:
                yield f"#{seq}: its value {name} is not the one it commits to"
