"""`manage.py ledger receipts`: hold the ledger to what the tickets' worklogs remember of it."""

import json
from collections.abc import Callable
from typing import Any

from audit.ledger import receipts
from ethops.executor.receipts import kept

Write = Callable[[str], object]


def run(write: Write, options: dict[str, Any]) -> int:
    """Compare; 1 where the ledger is no longer what a receipt says."""
    known = list(kept())
    found = list(receipts.findings(known))
    if options["json"]:
        write(json.dumps({"receipts": len(known), "findings": found}))
    else:
        write("\n".join(found) or f"{len(known)} receipts in tickets, the ledger holds to each.")
    return 1 if found else 0
