"""What a maintenance window covers. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST: Final = timedelta(days=30)
LONGEST_OF_ALL: Final = timedelta(hours=24)
"""Who silences everything comes back within a day."""
LATEST: Final = timedelta(hours=1)
"""So long after it began a window may still be declared."""
MOST_CIS: Final = 200
MOST_LABELS: Final = 8


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when alerts about these are kept as events, and become no incidents.

    A CI covers itself and what depends on it; a group is every label with its value.
    """

    begins_at: datetime
    ends_at: datetime
    everything: bool = False
    cis: frozenset[str] = frozenset()
    group: Mapping[str, str] | None = None

    def covers(self, labels: Mapping[str, str], places: Collection[str], at: datetime) -> bool:
        """Tell whether an alert is covered; `places` are its CI and all that this depends on."""
        if not self.begins_at <= at < self.ends_at:
            return False
        if self.everything or not self.cis.isdisjoint(places):
            return True
        group = self.group or {}
        return bool(group) and all(labels.get(name) == value for name, value in group.items())


def faults(window: Window, why: str, now: datetime) -> dict[str, str]:
    """Return everything that is wrong with a window that is to be declared, by field."""
    found: dict[str, str] = {}
    ways = [window.everything, bool(window.cis), bool(window.group)]
    if sum(ways) != 1:
        found["scope"] = "Name CIs, or a group of labels, or everything: one of the three."
    if len(window.cis) > MOST_CIS:
        found["cis"] = f"At most {MOST_CIS} CIs; name what they depend on."
    if len(window.group or {}) > MOST_LABELS:
        found["group"] = f"At most {MOST_LABELS} labels."
    if window.ends_at <= window.begins_at:
        found["ends_at"] = "It must be over after it begins."
    elif window.ends_at <= now:
        found["ends_at"] = "It would be over already."
    elif window.ends_at - window.begins_at > _longest(window):
        found["ends_at"] = f"At most {_in_words(_longest(window))}."
    if window.begins_at < now - LATEST:
        found["begins_at"] = f"At most {_in_words(LATEST)} ago: what was decided stays decided."
    if not why.strip():
        found["why"] = "Say what is being done."
    return found


def _longest(window: Window) -> timedelta:
    return LONGEST_OF_ALL if window.everything else LONGEST


def _in_words(length: timedelta) -> str:
    hours = int(length / timedelta(hours=1))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
