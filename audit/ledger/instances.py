"""What incarnations of runs have signed, as the ledger in the database says."""

import json
import random
from collections.abc import Iterator

from audit.models import Entry
from audit.signatures import holds
from audit.statements import KINDS, Statements

PAGE = 2_000
OVERLAP = 2_000
"""Entries before the first new one: an incarnation lives for seconds."""
MOST_SIGNATURES = 20_000
"""Of more entries only so many signatures are checked, drawn anew each time; chains always are."""


def faults(*, since: int, upto: int) -> Iterator[str]:
    """Yield what is wrong with statements in the entries after `since`, in words."""
    first = last = max(since - OVERLAP, 0)
    share = MOST_SIGNATURES / max(upto - last, MOST_SIGNATURES)
    drawn = random.SystemRandom()

    def check(key: str, statement: str, signature: str) -> bool:
        passed_over = share < 1 and drawn.random() >= share
        return passed_over or holds(key=key, statement=statement, signature=signature)

    pruned = Entry.objects.filter(kind="pruned", seq__lte=upto).exists()
    walk = Statements(check, gaps=pruned, born=lambda instance: _born(instance, first))
    while page := list(
        Entry.objects.filter(seq__gt=last, seq__lte=upto, kind__in=KINDS)
        .order_by("seq")
        .values_list("seq", "kind", "body")[:PAGE]
    ):
        for seq, kind, body in page:
            for what in walk.take(kind, _body(bytes(body))):
                if seq > since:
                    yield f"#{seq}: {what}"
        last = page[-1][0]


def _born(instance: str, upto: int) -> str | None:
    births = Entry.objects.filter(subject=instance, kind="run.incarnation", seq__lte=upto)
    said = _body(bytes(births.values_list("body", flat=True).first() or b""))
    return str(said.get("instance_key")) if isinstance(said, dict) else None


def _body(entry: bytes) -> object:
    try:
        return json.loads(entry).get("body")
    except (ValueError, AttributeError, RecursionError):
        return None  # the walk along the chain says so
