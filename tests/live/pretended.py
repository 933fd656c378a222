"""The simulated card of the live tests: models of the same names as the real servers have."""

from gpu.simulated.card import SimulatedCard, SimulatedModel
from tests.live.real import EMBED, QUICK, SLOW

CARD = SimulatedCard(
    vram_mb=8000,
    max_loaded=1,
    scale=1.0,
    models=tuple(
        SimulatedModel(
            name=name,
            kind="embed" if name == EMBED else "chat",
            vram_mb=100,
            load_s=0.1,
            tokens_per_s=100.0,
            prefill_per_s=10_000.0,
            context=128 if name == EMBED else 4096,
            dimensions=32,
        )
        for name in (QUICK, SLOW, EMBED)
    ),
)
