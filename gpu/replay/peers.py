"""How others order the same work, for comparison only: nobody may choose these for a card."""
# ruff: noqa: ARG002 - one interface; not every rule looks at everything

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gpu.policy.plain import Plain
from gpu.policy.view import CardFacts, Choice, State, Visit, Waiting
from gpu.tiers import RANK, Tier


class RoundRobin(Plain):
    """What kombu does with three queues: each tier in turn, first come first served inside."""

    name = "kombu-round-robin"

    def choose(
        self, now: float, waiting: Sequence[Waiting], state: State, facts: CardFacts
    ) -> Choice:
        """Return the tier that was served longest ago, and its oldest job."""
        return _head(waiting, lambda queue: (_turn(state, queue.tier), RANK[queue.tier]))

    def began(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        tier: Tier,
        slot: str,
        arrived: float,
        run: str = "",
    ) -> State:
        """Put the tier last."""
        turn = 1.0 + max((visit.used for visit in state.visits), default=0.0)
        others = tuple(visit for visit in state.visits if visit.tier != tier)
        return replace(state.used(slot), visits=(*others, Visit(tier, slot, turn)))


class OllamaRule(Plain):
    """Ollama's own scheduler: a loaded model takes all that comes for it, else first come first."""

    name = "ollama"

    def choose(
        self, now: float, waiting: Sequence[Waiting], state: State, facts: CardFacts
    ) -> Choice:
        """Return the oldest job of what is resident, or the oldest at all."""
        return _head(waiting, lambda queue: (queue.slot not in state.resident,))


class LlamaSwapRule(Plain):
    """llama-swap: a loaded model takes all that comes for it, then the model that goes first."""

    name = "llama-swap"

    def __init__(self, priority: Mapping[str, int]) -> None:
        self._priority = priority

    def choose(
        self, now: float, waiting: Sequence[Waiting], state: State, facts: CardFacts
    ) -> Choice:
        """Return the oldest job of what is resident, or of the models that come first."""
        return _head(
            waiting,
            lambda queue: (queue.slot not in state.resident, self._priority.get(queue.slot, 0)),
        )


def _turn(state: State, tier: Tier) -> float:
    return next((visit.used for visit in state.visits if visit.tier == tier), 0.0)


def _head(waiting: Sequence[Waiting], order: Callable[[Waiting], tuple[float, ...]]) -> Choice:
    """Return the oldest of the queues that come first in an order."""
    queues = [queue for queue in waiting if queue.count > 0]
    if not queues:
        return Choice(None, math.inf)
    found = min(queues, key=lambda queue: (order(queue), queue.oldest, queue.slot))
    return Choice((found.tier, found.slot), math.inf)
