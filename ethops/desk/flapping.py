"""Whether a trouble comes and goes too often to be believed when it goes. Pure.

Two bounds apart: it takes many changes in a while to begin, and a calm of its own to end, so that
what stands at one bound does not flap between flapping and not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Bounds:
    """So many changes within a window begin it; so long without one ends it."""

    changes: int
    window: timedelta
    calm: timedelta


@dataclass(frozen=True, slots=True)
class Change:
    """One episode of a cause begins or ends."""

    at: datetime
    episode: str
    begins: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a cause stands: since when it flaps, None where it does not, and its last change."""

    since: datetime | None
    last: datetime | None


def turns(changes: Iterable[Change]) -> list[datetime]:
    """Return when a cause as a whole began and ended; episodes of it may overlap."""
    firing: set[str] = set()
    found: list[datetime] = []
    for change in sorted(changes, key=lambda one: (one.at, not one.begins, one.episode)):
        before = bool(firing)
        if change.begins:
            firing.add(change.episode)
        else:
            firing.discard(change.episode)
        if bool(firing) != before:
            found.append(change.at)
    return found


def stand(turned: Iterable[datetime], now: datetime, bounds: Bounds) -> Standing:
    """Return where a cause stands now that turned then, oldest first; what comes later is left."""
    recent: list[datetime] = []
    since: datetime | None = None
    for at in turned:
        if at > now:
            break
        if recent and at - recent[-1] >= bounds.calm:
            since = None
        recent = [*(one for one in recent if at - one < bounds.window), at]
        if since is None and len(recent) >= bounds.changes:
            since = at
    if recent and now - recent[-1] >= bounds.calm:
        since = None
    return Standing(since, recent[-1] if recent else None)
