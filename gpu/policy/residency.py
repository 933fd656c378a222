"""Which models have to leave the card for another to come: arithmetic of its memory."""

from collections.abc import Sequence

from gpu.policy.view import CardFacts


class TooBigError(ValueError):
    """The slot does not fit the card even when nothing else is there."""


def fits(resident: Sequence[str], slot: str, facts: CardFacts) -> bool:
    """Tell whether a slot may come without another leaving."""
    others = [other for other in resident if other != slot]
    if facts.single:
        return not others
    return sum(_size(other, facts) for other in (*others, slot)) <= facts.vram_mb


def to_unload(resident: Sequence[str], slot: str, facts: CardFacts) -> tuple[str, ...]:
    """Return what has to leave for a slot: the least recently used first, never more than needed.

    `resident` has the least recently used first. A model that nobody declared is taken for as big
    as the card: nothing stays beside it.
    """
    if _size(slot, facts) > facts.vram_mb:
        raise TooBigError(
            f"{slot} takes {_size(slot, facts)} MB, the card has {facts.vram_mb} MB for models:"
            " take a smaller model or num_ctx."
        )
    if slot in resident:
        return ()
    leaving: list[str] = []
    staying = list(resident)
    while not fits(staying, slot, facts):
        leaving.append(staying.pop(0))
    # One that left early may find room after all, when a bigger one had to follow it.
    for early in reversed(leaving[:-1]):
        if fits([*staying, early], slot, facts):
            staying.append(early)
            leaving.remove(early)
    return tuple(leaving)


def _size(slot: str, facts: CardFacts) -> int:
    known = facts.slots.get(slot)
    return facts.vram_mb if known is None else known.vram_mb
