"""Hosts that write to a log of query results and have no CI there: the newest, by name. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from adapters.json_value import JSON
from adapters.telemetry.port import Stranger

Kept: TypeAlias = dict[str, JSON]
"""Name -> when it was read last, and how many results of it were not kept."""

MOST: Final = 50


def noted(kept: Mapping[str, JSON], names: Iterable[str], at: datetime) -> Kept:
    """Return what is kept after results of these hosts were read; beyond 50 the oldest go."""
    found = dict(kept)
    for name in names:
        was = found.get(name)
        times = was["times"] if isinstance(was, dict) else 0
        count = times if isinstance(times, int) else 0
        found[name] = {"last": at.isoformat(), "times": count + 1}
    newest = sorted(found, key=lambda name: (str(_last(found[name])), name))[-MOST:]
    return {name: found[name] for name in sorted(newest)}


def read(kept: Mapping[str, JSON]) -> tuple[Stranger, ...]:
    """Return them by name."""
    return tuple(
        Stranger(name, datetime.fromisoformat(str(_last(was))), int(str(was["times"])))
        for name, was in sorted(kept.items())
        if isinstance(was, dict)
    )


def _last(was: JSON) -> JSON:
    return was["last"] if isinstance(was, dict) else ""
