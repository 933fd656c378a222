"""Plain Celery with priorities: strict tiers, and the job that has waited longest in its tier."""

import math
from collections.abc import Sequence

from gpu.policy.plain import Plain
from gpu.policy.view import CardFacts, Choice, State, Waiting
from gpu.tiers import RANK


class Strict(Plain):
    """Tiers in order and first come, first served inside; nothing is stopped, held or kept."""

    name = "celery"

    def choose(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        facts: CardFacts,
    ) -> Choice:
        """Return the queue of the highest tier whose head has waited longest."""
        heads = [queue for queue in waiting if queue.count > 0]
        if not heads:
            return Choice(None, math.inf)
        head = min(heads, key=lambda queue: (RANK[queue.tier], queue.oldest, queue.slot))
        return Choice((head.tier, head.slot), math.inf)
