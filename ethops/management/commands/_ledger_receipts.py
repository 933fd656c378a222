"""`manage.py ledger receipts`: hold the ledger to what the tickets' worklogs remember of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from adapters.tickets.models import LogLine
from audit.ledger import receipts
from audit.ledger.receipts import Receipt

Write = Callable[[str], object]


def run(write: Write, options: dict[str, Any]) -> int:
    """Compare; 1 where the ledger is no longer what a receipt says."""
    kept = list(_kept())
    found = list(receipts.findings(kept))
    if options["json"]:
        write(json.dumps({"receipts": len(kept), "findings": found}))
    else:
        write("\n".join(found) or f"{len(kept)} receipts in tickets, and the ledger holds to each.")
    return 1 if found else 0


def _kept() -> Iterator[tuple[str, Receipt]]:
    # What executors write into their changes ends with the receipt; others write what they like.
    lines = LogLine.objects.filter(
        author_kind="executor", ticket__ticket_class="change", text__contains="Ledger: entry "
    )
    for line in lines.order_by("id").iterator():
        receipt = receipts.read(line.text)
        if receipt is not None:
            yield str(line), receipt
