"""The order in which Redis is asked for messages: kombu asks here, the policy answers.

kombu calls `consume` once per BRPOP, which is exactly when the worker is free; Redis then serves
the first queue of the list that is not empty, so the choice is atomic. A queue that is left out is
not served until the list is made anew, after `brpop_timeout` at most.
"""

import logging
import math
from collections.abc import Iterable, Sequence

from django.db import Error, connection

from gpu import rows
from gpu.policy import placement
from gpu.policy.placement import Card as PlacedCard
from gpu.policy.view import Choice, Waiting
from gpu.tiers import RANK, Tier, queue_name, split
from gpu.worker import current, knowing
from gpu.worker.current import Clock, Held

log = logging.getLogger(__name__)


class CardOrder:
    """What kombu calls a cycle: which queues are served, and in which order."""

    def __init__(self, names: Iterable[str] | None = None) -> None:
        self.names: list[str] = list(names or ())

    def update(self, names: Iterable[str]) -> None:
        """Take note of the queues that this worker consumes."""
        self.names[:] = names

    def rotate(self, last_used: str) -> str:
        """Answer as kombu's own cycles do; there is nothing to turn."""
        return last_used

    def consume(self, n: int) -> list[str]:
        """Return the queues to ask now."""
        del n
        held = current.card()
        if held is None or held.sick or held.leaving:
            return []
        if held.first is not None:
            return [held.first[1]]
        try:
            knowing.refresh_cards(held)
            return listed(held, seen_waiting(held.clock, held), self.names)
        except Error as fault:
            log.warning("no order for the card %s: %s", held.name, fault)
            connection.close()
            return []


def seen_waiting(clock: Clock, held: Held) -> list[Waiting]:
    """Return what waits for slots of this card, in the policy's terms."""
    found = []
    for row in rows.waiting():
        tier, slot = split(row.queue)
        if slot in held.facts.slots and not held.is_shut(slot):
            found.append(Waiting(tier, slot, row.jobs, clock.of(row.oldest), row.tokens, row.begun))
    return found


def listed(held: Held, waiting: Sequence[Waiting], names: Sequence[str]) -> list[str]:
    """Return queues for one BRPOP: all of ops, then the one lower queue that may be served.

    Where nothing waits, every queue whose first arrival would be served at once.
    """
    now, takes = held.clock.now(), Placement(held)
    here = [name for name in names if takes(*split(name)) and not held.is_shut(split(name)[1])]
    if not waiting:
        return _ranked(name for name in here if _welcome(held, now, name))
    mine = [queue for queue in waiting if takes(queue.tier, queue.slot, queue.oldest)]
    return in_order(held.policy.choose(now, mine, held.state, held.facts), here)


class Placement:
    """Tells whether this card serves a queue, or another one would begin with it sooner."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._now = held.clock.now()
        self._cards: dict[bool, list[PlacedCard]] = {}

    def __call__(self, tier: Tier, slot: str, oldest: float = math.inf) -> bool:
        """Return whether it is this card's; `oldest` arrival of what waits there."""
        held, ops = self._held, tier == Tier.OPS
        if len(held.cards) < 2:
            return True
        if ops not in self._cards:
            self._cards[ops] = [
                knowing.placed(held, card, self._now, ops=ops) for card in held.cards
            ]
        # A second of ours is what a message and a look at the rows may take on their way.
        waited = max(0.0, self._now - oldest - held.clock.span(1.0))
        return placement.takes(self._now, held.name, self._cards[ops], slot, waited=waited)


def in_order(choice: Choice, names: Sequence[str]) -> list[str]:
    """Return the chosen queue behind the other queues of ops, or at their head."""
    ops = [name for name in names if split(name)[0] == Tier.OPS and split(name) not in choice.shut]
    if choice.serve is None:
        return ops
    chosen = queue_name(*choice.serve)
    others = [name for name in ops if name != chosen]
    return [chosen, *others] if choice.serve[0] == Tier.OPS else [*others, chosen]


def _welcome(held: Held, now: float, name: str) -> bool:
    tier, slot = split(name)
    if slot not in held.facts.slots:
        return False
    arrival = Waiting(tier, slot, 1, now)
    return held.policy.choose(now, [arrival], held.state, held.facts).serve is not None


def _ranked(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (RANK[split(name)[0]], name))
