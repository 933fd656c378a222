"""What this process serves: one card, its slots as last read, and the policy's memory of it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from gpu.models import Card, Slot
from gpu.policy.view import CardFacts, Policy, State
from gpu.worker.servers import CardServer


@dataclass(frozen=True, slots=True)
class Clock:
    """The policy's seconds: the database's epoch, run faster by a replay's scale."""

    scale: float = 1.0
    ahead_s: float = 0.0
    """How far the database's clock is ahead of this host's monotonic one, which nobody sets."""

    def now(self) -> float:
        """Return the time now."""
        return (monotonic() + self.ahead_s) / self.scale

    def of(self, epoch: float) -> float:
        """Return a time of the database in the policy's seconds."""
        return epoch / self.scale

    def patience(self, seconds: float) -> float:
        """Return how long is waited for a server, in seconds of ours; a replay waits less."""
        return seconds * max(self.scale, 0.1)

    def span(self, seconds: float) -> float:
        """Return a measured span in the policy's seconds."""
        return seconds / self.scale


FIRST_REST_SECONDS = 2.5
LONGEST_REST_SECONDS = 300.0


@dataclass
class Held:
    """A card while its lease is ours; written by the pool's one thread and the event loop."""

    name: str
    fence: int
    server: CardServer
    policy: Policy
    facts: CardFacts
    slots: Mapping[str, Slot]
    clock: Clock = field(default_factory=Clock)
    state: State = field(default_factory=State)
    serves: Mapping[str, str] = field(default_factory=dict)
    """Slot and model, where the server holds its own models; nothing where it is an Ollama."""
    cards: tuple[Card, ...] = ()
    """All cards in use, this one too, as their rows were last read."""
    sick: str = ""
    """Why nothing can be asked of the server just now."""
    half: str = ""
    """The slot that lies on the card by half only, since its last load."""
    leaving: bool = False
    first: tuple[UUID, str] | None = None
    """A command that has the card since before this worker came, and its queue."""
    busy: UUID | None = None
    claims: set[UUID] = field(default_factory=set)
    """Jobs whose leases must not run out while we work on them."""
    hands: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever speaks to the server: a job, or somebody who looks after it."""
    tags: set[str] = field(default_factory=set)
    """Messages that must not come back while we work on them."""

    _failures: dict[str, int] = field(default_factory=dict)
    _shut_until: dict[str, float] = field(default_factory=dict)

    def fails(self, slot: str) -> int:
        """Count a failure of a slot; returns how many there were in a row."""
        self._failures[slot] = self._failures.get(slot, 0) + 1
        return self._failures[slot]

    def shut(self, slot: str) -> None:
        """Leave a slot alone for a while, twice as long each time."""
        rest = min(FIRST_REST_SECONDS * 2 ** min(self.fails(slot), 10), LONGEST_REST_SECONDS)
        self._shut_until[slot] = monotonic() + rest * self.clock.scale

    def is_shut(self, slot: str) -> bool:
        """Tell whether a slot rests after its failures."""
        return self._shut_until.get(slot, 0.0) > monotonic()

    def works(self, slot: str) -> bool:
        """Forget a slot's failures; true where there were any."""
        self._shut_until.pop(slot, None)
        return self._failures.pop(slot, None) is not None


_held: list[Held] = []


def serve(held: Held) -> None:
    """Make this the card of the process."""
    _held[:] = [held]


def card() -> Held | None:
    """Return the card of the process, None before the worker has taken it."""
    return _held[0] if _held else None
