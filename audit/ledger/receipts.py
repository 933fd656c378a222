"""Receipts of the ledger in the worklogs of tickets: what an effect's entry was, seen from there.

Whoever cuts the newest entries, before any witness has signed them, has to change the ticket
system, too. The receipt is the last line of what the executor writes, so that no text of a host
can be taken for one.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from audit.models import Entry, TreeHead

NONE: Final = "Ledger: no entry"
_LINE: Final = re.compile(
    r"Ledger: entry ([1-9][0-9]{0,18}) ([0-9a-f]{64})"
    r"(?:, tree head ([1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=))?"
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry by number and hash, and the newest tree head of that moment; size 0 for none."""

    seq: int
    hash: bytes
    size: int
    root: bytes

    def __str__(self) -> str:
        """The line that stands in the worklog."""
        head = f", tree head {self.size} {base64.b64encode(self.root).decode()}"
        return f"Ledger: entry {self.seq} {self.hash.hex()}{head if self.size else ''}"


def receipt_of(action_id: UUID) -> Receipt | None:
    """Return the receipt of the entry that permitted an effect; None before it is recorded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, hash, size, root FROM audit.receipt_of(%s)", [action_id])
        row = cursor.fetchone()
    return None if row is None else Receipt(row[0], bytes(row[1]), row[2], bytes(row[3]))


def line_of(action_id: UUID) -> str:
    """Return the line for the worklog."""
    return str(receipt_of(action_id) or NONE)


def read(text: str) -> Receipt | None:
    """Return the receipt that a line of a worklog ends with, None where it ends with none."""
    found = _LINE.fullmatch(text.rpartition("\n")[2])
    if found is None:
        return None
    seq, digest, size, root = found.groups()
    return Receipt(
        int(seq), bytes.fromhex(digest), int(size or 0), base64.b64decode(root) if root else b""
    )


def findings(kept: Iterable[tuple[str, Receipt]]) -> Iterator[str]:
    """Yield where the ledger is no longer what a receipt says; each comes with where it stands."""
    for where, receipt in kept:
        entry = Entry.objects.filter(seq=receipt.seq).only("hash").first()
        if entry is None:
            yield f"{where}: entry #{receipt.seq} is gone: the ledger was cut"
        elif bytes(entry.hash) != receipt.hash:
            yield f"{where}: entry #{receipt.seq} is another one than it was"
        if receipt.size:
            head = TreeHead.objects.filter(size=receipt.size).only("root").first()
            if head is None:
                yield f"{where}: the tree head of {receipt.size} is gone"
            elif bytes(head.root) != receipt.root:
                yield f"{where}: the tree head of {receipt.size} has another root than it had"
