"""A policy that remembers nothing and stops nothing: what simple ones are made of."""

import math
from collections.abc import Sequence
from typing import Final

from gpu.policy.view import Call, CardFacts, Running, State, Waiting
from gpu.tiers import Tier

ONE_EACH: Final = Call(jobs=1, tokens=0)


class Plain:
    """Everything but the choice; the unused arguments are the interface's."""

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
        """Remember what was used last."""
        return state.used(slot)

    def worked(self, state: State, tier: Tier, slot: str, seconds: float) -> State:
        """Remember nothing."""
        return state

    def finished(
        self,
        now: float,
        state: State,
        tier: Tier,
        slot: str,
        *,
        more: bool,
        run: str = "",
    ) -> State:
        """Remember nothing."""
        return state

    def gives_way_at(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        running: Running,
        facts: CardFacts,
    ) -> float:
        """Never stop a job."""
        return math.inf

    def call(
        self,
        now: float,
        waiting: Sequence[Waiting],
        state: State,
        slot: str,
        facts: CardFacts,
    ) -> Call:
        """Send embeddings one by one."""
        return ONE_EACH
