"""Proof bundles: entries with everything that an auditor needs to check them without us.

One JSON object: canonical entries, a proof of each, the tree head with its witnesses, the log's
keys with the sizes they are valid for, and on demand that the tree goes on from an earlier one.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from audit.errors import NoProofError
from audit.fields import RunOf
from audit.ledger import heads, merkle, proofs
from audit.models import Entry, TreeHead

FORMAT = "ethops-bundle/1"
MOST_ENTRIES = 20_000


def of_entry(seq: int, *, since: int | None = None) -> dict[str, Any]:
    """Return the bundle of one entry; `since` is the size of an earlier head to go on from.

    Raises:
        NoProofError: there is no such entry or head, or no head covers it yet.
    """
    one = proofs.entry(seq)
    return _bundle({"entry": seq}, [one], proofs.head_over(seq), since)


def of_ticket(ref: str, *, since: int | None = None) -> dict[str, Any]:
    """Return the bundle of everything that a ticket caused, up to the newest tree head.

    Raises:
        NoProofError: there is no entry about it that a tree head covers.
    """
    found = caused_by(ref)
    first = found.first()
    if first is None:
        raise NoProofError(f"no entry is about ticket {ref}")
    last = found.last()
    head = heads.covering(last.seq if last else first.seq) or proofs.head_over(first.seq)
    covered = found.filter(seq__lte=head.size)
    if covered.count() > MOST_ENTRIES:
        raise NoProofError(f"{ref} has more than {MOST_ENTRIES} entries: export the whole ledger")
    left_out = found.filter(seq__gt=head.size).count()
    return _bundle({"ticket": ref, "not_covered_yet": left_out}, covered.iterator(), head, since)


def caused_by(ref: str) -> QuerySet[Entry]:
    """Return the entries of a ticket, and those of its runs and actions, oldest first."""
    own = Entry.objects.filter(ticket_ref=ref)
    runs = own.filter(kind="run.born").values("subject")
    parts = own.filter(Q(kind__startswith="run.") | Q(kind__startswith="action."))
    return (
        Entry.objects.alias(run=RunOf("body"))
        .filter(Q(ticket_ref=ref) | Q(subject__in=parts.values("subject")) | Q(run__in=runs))
        .order_by("seq")
    )


def _bundle(
    about: dict[str, Any], entries: Iterable[Entry], head: TreeHead, since: int | None
) -> dict[str, Any]:
    reader = heads.reader()
    made: dict[str, Any] = {
        "format": FORMAT,
        "about": about,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "head": heads.cosigned(head),
        **heads.keys(),
        "entries": [
            {
                "seq": one.seq,
                "body": _text(bytes(one.body)),
                "proof": list(map(_text, merkle.inclusion(one.seq - 1, head.size, reader))),
            }
            for one in entries
        ],
    }
    if since is not None:
        made["consistency"] = _consistency(since, head.size)
    return made


def _consistency(old: int, new: int) -> dict[str, Any]:
    before = TreeHead.objects.filter(size=old).first()
    if before is None:
        raise NoProofError(f"no tree head of {old} was ever signed")
    return {
        "head": heads.cosigned(before),
        "proof": list(map(_text, proofs.consistency(old, new))),
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
