"""When a process that ended is started again, and when it is given up: pure policy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exit:
    """One end of a process, on the supervisor's monotonic clock."""

    at: float
    lived: float


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Backoff, the limit at which a process is called a crash loop, and when one is hung."""

    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 30.0
    exits: int = 5
    """So many early ends..."""
    within_seconds: float = 60.0
    """...in so short a time are a crash loop."""
    settled_seconds: float = 10.0
    """A process that lived this long had started well; its end begins a new count."""
    unseen_seconds: float = 30.0
    """A process that has shown nothing for this long is taken for hung, and killed."""
    starting_seconds: float = 60.0
    """...and for this long while it starts."""


def next_delay(policy: RestartPolicy, ends: Sequence[Exit]) -> float | None:
    """Seconds until the next start after the last of these ends; None when it is given up."""
    now = ends[-1].at
    early: list[Exit] = []
    for end in reversed(ends):
        if end.lived >= policy.settled_seconds:
            break
        if now - end.at < policy.within_seconds:
            early.append(end)
    if len(early) >= policy.exits:
        return None
    doublings = max(0, len(early) - 1)
    return min(policy.longest_delay_seconds, policy.first_delay_seconds * 2.0**doublings)
