"""A held card without server, database or Redis, for what a worker reckons by itself."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from adapters.inference.ollama import Server
from gpu.models import Card, Slot
from gpu.policy.chosen import named
from gpu.policy.view import State, Waiting
from gpu.tiers import Tier
from gpu.worker import knowing
from gpu.worker.current import Clock, Held
from gpu.worker.doors import Claim

SLOTS = (("ops", 4.5, 45.0), ("code", 9.0, 26.0), ("embed", 1.5, 1.0))


def slots() -> dict[str, Slot]:
    """Three slots that do not fit beside each other."""
    return {
        name: Slot(
            name=name, model=name, kind="embed" if name == "embed" else "chat", context=4096,
            options={"num_ctx": 4096}, vram_mb=7000, load_s=load, tokens_per_s=speed,
            prefill_per_s=1000.0, tiers=["embedding"] if name == "embed" else ["ops", "research"],
        )
        for name, load, speed in SLOTS
    }  # fmt: skip


def card(name: str = "card0", **more: Any) -> Card:
    """A card whose worker lives, and that does nothing."""
    lives = datetime.now(UTC) + timedelta(seconds=60)
    said = {"url": "http://x", "vram_mb": 10_000, "reserve_mb": 0, "doing": "idle",
            "resident": [], "lease_until": lives, "doing_tier": "", **more}  # fmt: skip
    return Card(name=name, **said)


def held(
    *others: Card, name: str = "card0", resident: Sequence[str] = (), policy: str = "celery"
) -> Held:
    """A card in the hands of its worker, and the other ones."""
    mine = card(name)
    found = slots()
    return Held(
        name=name,
        fence=1,
        server=Server("http://127.0.0.1:9"),
        policy=named(policy),
        facts=knowing.facts(mine, found),
        slots=found,
        clock=Clock(ahead_s=time.time() - time.monotonic()),
        state=State(resident=tuple(resident)),
        cards=tuple(sorted((mine, *others), key=lambda one: one.name)),
    )


def waits(queue: str, age: float = 1.0, count: int = 1) -> Waiting:
    """One queue in which something waits since so long."""
    tier, _, slot = queue.partition(".")
    return Waiting(Tier(tier), slot, count, datetime.now(UTC).timestamp() - age)


def claim(request: Mapping[str, Any], **more: Any) -> Claim:
    """A job in the worker's hands."""
    said: dict[str, Any] = {
        "id": uuid4(), "fence": 1, "attempts": 1, "tier": Tier.EMBEDDING, "slot": "embed",
        "kind": "embed", "principal": "", "run": None, "label": "", "request": dict(request),
        "streams": False, "bound": False, "more": False, "tokens_asked": 0, "partial": {},
        "tokens_done": 0, "preemptions": 0, "arrival": 0.0, "deadline": 1e9, **more,
    }  # fmt: skip
    return Claim(**said)
