"""Cards, queues and traces for tests of the policies: pure data, no Django."""

from gpu.policy.view import CardFacts, Running, SlotFacts, Waiting
from gpu.replay.trace import TraceJob
from gpu.tiers import Tier

OPS, EMBEDDING, RESEARCH = Tier

SMALL, BIG, CODE, EMBED = "small", "big", "code", "embed"

SLOTS = {
    SMALL: SlotFacts(SMALL, 4.0, 7000, 45.0, 1500.0, embeds=False),
    BIG: SlotFacts(BIG, 8.0, 11_000, 27.0, 800.0, embeds=False),
    CODE: SlotFacts(CODE, 9.0, 11_000, 26.0, 800.0, embeds=False),
    EMBED: SlotFacts(EMBED, 5.0, 8000, 1.0, 2500.0, embeds=True),
}
SINGLE = CardFacts(15_500, SLOTS, single=True)
SHARED = CardFacts(15_500, SLOTS, single=False)
"""Small and embed fit beside each other, nothing else does."""
ROOMY = CardFacts(100_000, SLOTS, single=False)


def ops(slot: str = SMALL, oldest: float = 0.0, count: int = 1) -> Waiting:
    """An ops queue."""
    return Waiting(OPS, slot, count, oldest)


def embeddings(oldest: float = 0.0, count: int = 1) -> Waiting:
    """The embedding queue."""
    return Waiting(EMBEDDING, EMBED, count, oldest)


def research(slot: str = CODE, oldest: float = 0.0, count: int = 1) -> Waiting:
    """A research queue."""
    return Waiting(RESEARCH, slot, count, oldest)


def running(
    tier: Tier = RESEARCH,
    slot: str = CODE,
    began: float = 0.0,
    tokens: int = 0,
    ends_by: float | None = None,
) -> Running:
    """What the card works on."""
    return Running(tier, slot, slot == EMBED, began, tokens, None, ends_by)


def job(
    number: int,
    tier: Tier,
    slot: str,
    at: float | None = 0.0,
    *,
    tokens_in: int = 1000,
    tokens_out: int = 200,
    after: TraceJob | None = None,
    think: float = 0.0,
    more: bool = False,
) -> TraceJob:
    """One job of a trace; `after` makes it the next call of a run."""
    return TraceJob(
        id=number,
        at=None if after else at,
        after=after.id if after else None,
        think=think,
        tier=tier,
        slot=slot,
        embeds=slot == EMBED,
        tokens_in=tokens_in,
        tokens_out=0 if slot == EMBED else tokens_out,
        more=more,
        run=after.run if after else str(number),
    )


def at_once(*queues: tuple[Tier, str], tokens_out: int = 200) -> list[TraceJob]:
    """Jobs that all wait from the first second on, the first one first."""
    return [
        job(number, tier, slot, number / 1000, tokens_out=tokens_out)
        for number, (tier, slot) in enumerate(queues)
    ]
