"""The three tiers of work on the card, and the name of the queue of a tier and a slot."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Tier(StrEnum):
    """Who waits: operations first, then embeddings and batch work, then research."""

    OPS = "ops"
    EMBEDDING = "embedding"
    RESEARCH = "research"


TIERS: Final[tuple[Tier, ...]] = tuple(Tier)
"""All tiers, the first served first."""

RANK: Final[Mapping[Tier, int]] = {tier: rank for rank, tier in enumerate(TIERS)}
"""The place of a tier: 0 goes before everything."""


def queue_name(tier: Tier, slot: str) -> str:
    """Return the name of the Celery queue of a tier and a slot."""
    return f"{tier.value}.{slot}"


def split(queue: str) -> tuple[Tier, str]:
    """Return tier and slot of a queue's name; ValueError when it is not one of ours."""
    tier, dot, slot = queue.partition(".")
    if not dot or not slot or tier not in set(TIERS):
        raise ValueError(f"{queue!r} is no queue of the card: write TIER.SLOT, such as ops.ops-8b.")
    return Tier(tier), slot
