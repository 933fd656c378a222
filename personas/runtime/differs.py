"""What queries find on a CI otherwise than a day before: how many rows, by query. Pure.

Rows are a host's own words and are not given: only how many came and went, and names of queries
that look like names.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.json_value import JSON
from adapters.telemetry.port import Delta

SPAN: Final = timedelta(hours=24)
MOST_NAMED: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")


def facts(deltas: Sequence[Delta], now: datetime) -> dict[str, JSON]:
    """Return the facts of a question; none where nothing differs that is known."""
    if not deltas:
        return {}
    most = sorted(deltas, key=lambda one: (-(one.came + one.went), one.query))
    named = [one for one in most if _NAME.fullmatch(one.query)][:MOST_NAMED]
    oldest = min(one.end for one in deltas)
    return {
        "delta.came": {one.query: one.came for one in named if one.came},
        "delta.went": {one.query: one.went for one in named if one.went},
        "delta.queries": len(deltas),
        "delta.whole": all(one.whole for one in deltas),
        "delta.seen_seconds": round((now - oldest).total_seconds(), 1),
    }
