"""The ledger as people see it: how far it is whole, what waits, and one entry's own proof."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from audit.ledger import verification
from audit.models import Entry, Pending
from audit.verify import GENESIS, link


@dataclass(frozen=True, slots=True)
class Checked:
    """What the last walk over the chain found; `finding` is empty where it was whole."""

    to_seq: int
    at: datetime
    finding: str

    @property
    def whole(self) -> bool:
        """True when nothing was found."""
        return not self.finding


@dataclass(frozen=True, slots=True)
class Standing:
    """The end of the chain, facts that wait to be written, and the last check."""

    seq: int
    waiting: int
    checked: Checked | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What an entry shows by itself: True, False, or None where there is nothing to compare."""

    bytes_hold: bool
    follows: bool
    previous: int


def standing() -> Standing:
    """Return how the ledger stands now."""
    return Standing(
        seq=verification.head().seq, waiting=Pending.objects.count(), checked=last_check()
    )


def last_check() -> Checked | None:
    """Return the last verification on record; None before the first."""
    found = verification.latest()
    if found is None:
        return None
    finding = "" if found.whole else str((found.findings or ["what differs is not on record"])[0])
    return Checked(to_seq=found.to_seq, at=found.at, finding=finding)


def entries() -> QuerySet[Entry]:
    """Return entries, newest first, without their bytes."""
    return Entry.objects.defer("body").order_by("-seq")


def entry(seq: int) -> Entry | None:
    """Return one entry."""
    return Entry.objects.filter(seq=seq).first()


def proof(of: Entry) -> Proof:
    """Hash the entry's bytes again, and compare its link with the entry before it."""
    before = Entry.objects.filter(seq=of.seq - 1).values_list("hash", flat=True).first()
    expected = GENESIS if of.seq == 1 else before
    return Proof(
        bytes_hold=link(bytes(of.prev), bytes(of.body)) == bytes(of.hash),
        follows=expected is not None and bytes(expected) == bytes(of.prev),
        previous=of.seq - 1,
    )


def content(of: Entry) -> dict[str, Any]:
    """Return what the entry's bytes say; empty where they are not an entry."""
    try:
        said = json.loads(bytes(of.body))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
