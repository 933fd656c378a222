"""`manage.py ledger witnesses`: who signs our tree heads, and how they stand."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from audit.ledger import witnesses

Write = Callable[[str], object]


def run(write: Write, options: dict[str, Any]) -> int:
    """Show them; 1 where a witness has seen another, or a longer, history."""
    found = witnesses.standing()
    if options["json"]:
        told = {**asdict(found), "says": found.says, "alarm": found.alarm}
        write(json.dumps(told, default=str))
        return 1 if found.alarm else 0
    write(found.says)
    write(f"log      {found.vkey or 'has no key yet: the checkpointer makes it'}")
    for one in found.witnesses:
        counts = "" if one.independent else ", counts as none"
        said = f": {one.said}" if one.said else ""
        write(
            f"witness  {one.name} of {one.administrator}{counts}: {one.state}, to #{one.size}{said}"
        )
    return 1 if found.alarm else 0
