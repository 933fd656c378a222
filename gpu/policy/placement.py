"""Several cards: which of them starts a job of a slot first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpu.policy.view import CardFacts


@dataclass(frozen=True, slots=True)
class Card:
    """A card as the others see it; `free_at` is a guess, and for ops it leaves lower work out."""

    name: str
    resident: tuple[str, ...]
    free_at: float
    reachable: bool
    seen_at: float
    facts: CardFacts


def starts_at(now: float, card: Card, slot: str) -> float:
    """Return when the card could start a job of the slot; infinity where it never can."""
    known = card.facts.slots.get(slot)
    if known is None or known.vram_mb > card.facts.vram_mb or not card.reachable:
        return math.inf
    return max(now, card.free_at) + (0.0 if slot in card.resident else known.load_s)


def takes(
    now: float,
    me: str,
    cards: Sequence[Card],
    slot: str,
    *,
    waited: float = 0.0,
    stale_after_s: float = 15.0,
) -> bool:
    """Tell whether this card, which is free, serves it: no other card would start it sooner.

    What has waited longer than the load here would take is served here: others were expected to
    be free by now, and have more to do than they knew. Of two that would start it at once the one
    that is free longer takes it, then the earlier one of the list.
    """
    alive = [card for card in cards if card.name == me or now - card.seen_at < stale_after_s]
    starts = {card.name: (starts_at(now, card, slot), card.free_at) for card in alive}
    if not starts or min(starts.values())[0] == math.inf:
        return False
    mine = starts.get(me, (math.inf, math.inf))
    if mine[0] < math.inf and waited > mine[0] - now:
        return True
    first = min(starts.values())
    return next(name for name, start in starts.items() if start == first) == me
