"""Keeping up with a desk that others write to as well: what an adapter offers for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

Well: TypeAlias = Literal["well", "late", "away", "new", "own"]


@dataclass(frozen=True, slots=True)
class News:
    """What somebody did to a ticket elsewhere; `before` is empty where it was born there."""

    ref: str
    what: Literal["born", "changed", "gone"]
    before: str
    state: str
    assignee_before: str
    assignee: str
    attributes: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at the other desk came to; `fault` says why it did not come to its end."""

    pages: int = 0
    changed: int = 0
    told: int = 0
    waiting: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """How the other desk and our following it stand, for people."""

    system: str
    state: Well
    said: str
    polled_at: datetime | None = None
    swept_at: datetime | None = None
    faulty_since: datetime | None = None
    waiting: int = 0
    refused: int = 0
    untold: int = 0
    mirrored: int = 0
    missing: int = 0
    left_out: int = 0
    cron: Literal["alive", "stale", "unknown"] = "unknown"
    cron_at: datetime | None = None
    cron_said: str = ""
    callbacks: int = 0
    unreadable: int = 0
    called_at: datetime | None = None


class Follower(Protocol):
    """Follows a desk; whoever is at it already makes a second one do nothing."""

    follows: bool
    """False where tickets live here alone, and there is nobody to follow."""

    def look(self) -> Looked:
        """Tell what waits, and take over what was changed there since the last look."""
        ...

    def look_at_all(self) -> Looked:
        """Compare every ticket there with ours, so that no gap lasts longer than a day."""
        ...

    def heed(self, callback: int) -> None:
        """Read again what a stored callback is about; what it says itself is not believed."""
        ...

    def tell(self, hear: Callable[[News], None]) -> int:
        """Hand over what was taken over and not heard yet, each in a transaction with it."""
        ...

    def health(self) -> Health:
        """Return how it stands; asks nobody."""
        ...

    def forget(self) -> int:
        """Delete callbacks beyond what is kept; returns how many."""
        ...
