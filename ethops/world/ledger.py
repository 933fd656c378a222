"""Entries of the ledger as people see them: lists, one, and what one shows by itself."""

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from audit.fields import CisOf, PersonaOf, RunOf
from audit.ledger.chain import GENESIS
from audit.ledger.entries import PRUNED
from audit.ledger.merkle import leaf_hash, node_hash
from audit.models import Entry


@dataclass(frozen=True, slots=True)
class Proof:
    """What an entry shows by itself: True, False, or None where there is nothing to compare."""

    bytes_hold: bool
    follows: bool
    previous: int


def entries() -> QuerySet[Entry]:
    """Return entries, newest first, without their bytes; `persona`, `run` and `cis` filter."""
    return (
        Entry.objects.defer("body")
        .alias(persona=PersonaOf("body"), run=RunOf("body"), cis=CisOf("body"))
        .order_by("-seq")
    )


def newest() -> int:
    """Return the number of the newest entry; 0 where there is none."""
    return Entry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def kinds() -> list[str]:
    """Return every kind there is; one look into the index per kind."""
    with connection.cursor() as cursor:
        cursor.execute(_KINDS)
        return [kind for (kind,) in cursor.fetchall()]


_KINDS = """
    WITH RECURSIVE each(kind) AS (
        (SELECT kind FROM audit_entry ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (SELECT e.kind FROM audit_entry e WHERE e.kind > each.kind ORDER BY e.kind LIMIT 1)
          FROM each WHERE each.kind IS NOT NULL)
    SELECT kind FROM each WHERE kind IS NOT NULL
"""


def entry(seq: int) -> Entry | None:
    """Return one entry."""
    return Entry.objects.filter(seq=seq).first()


def proof(of: Entry) -> Proof:
    """Hash the entry's bytes again, and compare its link with the entry before it."""
    before = Entry.objects.filter(seq=of.seq - 1).values_list("hash", flat=True).first()
    expected = GENESIS if of.seq == 1 else before
    return Proof(
        bytes_hold=bytes_hold(of),
        follows=expected is not None and bytes(expected) == bytes(of.prev),
        previous=of.seq - 1,
    )


def bytes_hold(of: Entry) -> bool:
    """Tell whether the entry's bytes give its hash."""
    return node_hash(bytes(of.prev), leaf(of)) == bytes(of.hash)


def leaf(of: Entry) -> bytes:
    """Return the leaf of an entry in the tree; retention left it in the place of the bytes."""
    body = bytes(of.body)
    return body if of.kind == PRUNED else leaf_hash(body)


def content(of: Entry) -> dict[str, Any]:
    """Return what the entry's bytes say; empty where they are not an entry."""
    try:
        said = json.loads(bytes(of.body))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def differs(of: Entry, said: dict[str, Any]) -> str:
    """Return what the columns show otherwise than the bytes; empty where they agree."""
    if of.kind == PRUNED:
        return ""
    at = of.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    shown = {"kind": of.kind, "subject": of.subject, "ticket": of.ticket_ref, "at": at}
    wrong = [name for name, value in shown.items() if said.get(name) != value]
    return ", ".join(
        f"{name} {shown[name]!r}, but its bytes say {said.get(name)!r}" for name in wrong
    )
