"""The card that is simulated: its models, what they cost, and how the server is configured."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from gpu.profile import Profile

MEGABYTE = 1024 * 1024
Capability = Literal["completion", "embedding", "tools", "thinking", "insert"]


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """A model; times are seconds and speeds are per second of the simulated card."""

    name: str
    kind: Literal["chat", "embed"]
    vram_mb: int
    load_s: float
    tokens_per_s: float
    prefill_per_s: float
    context: int = 32_768
    """What it was trained for: a larger num_ctx is cut to this."""
    thinks: int = 0
    """Tokens of thinking before each answer."""
    dimensions: int = 384

    @property
    def full_name(self) -> str:
        """Return the name with its tag."""
        return self.name if ":" in self.name.rpartition("/")[2] else f"{self.name}:latest"

    @property
    def long_name(self) -> str:
        """Return the name with where it comes from."""
        places = ("registry.ollama.ai/library/", "registry.ollama.ai/")
        above = self.full_name.count("/")
        return "".join(places[above : above + 1]) + self.full_name

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Return what Ollama would list."""
        if self.kind == "embed":
            return ("embedding",)
        return ("completion", "tools", "thinking") if self.thinks else ("completion", "tools")

    def digest(self, version: int) -> str:
        """Return the digest of its manifest; another version is another model of that name."""
        return hashlib.sha256(f"{self.full_name} {version}".encode()).hexdigest()


@dataclass(frozen=True)
class SimulatedCard:
    """Memory, models, and the settings that a real server takes from its environment."""

    vram_mb: int
    models: tuple[SimulatedModel, ...]
    scale: float = 0.05
    """Real seconds for one second of the card."""
    seed: int = 0
    max_loaded: int = 0
    """OLLAMA_MAX_LOADED_MODELS; 0 is automatic: three."""
    num_parallel: int = 1
    max_queue: int = 512
    keep_alive_s: float = 300.0
    default_context: int = 4096
    unload_s: float = 0.0
    """From the end of a runner until its memory is free; a load's time contains it already."""
    call_overhead_s: float = 0.10
    cancel_latency_s: float = 0.20

    @cached_property
    def by_name(self) -> Mapping[str, SimulatedModel]:
        """Return the models by their names with tags."""
        return {model.full_name: model for model in self.models}

    def find(self, name: str) -> SimulatedModel | None:
        """Return the model that a request means; names are matched as Ollama does."""
        wanted = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        return self.by_name.get(wanted)

    def real(self, seconds: float) -> float:
        """Return real seconds for seconds of the card; forever stays forever."""
        return seconds * self.scale if math.isfinite(seconds) else math.inf


def models_of(profile: Profile) -> Sequence[SimulatedModel]:
    """Return the models of a profile's slots; of two slots with one model the larger counts."""
    found: dict[str, SimulatedModel] = {}
    for slot in sorted(profile.slots, key=lambda slot: slot.vram_mb):
        model = SimulatedModel(
            name=slot.model,
            kind=slot.kind,
            vram_mb=slot.vram_mb,
            load_s=slot.load_s,
            tokens_per_s=slot.tokens_per_s,
            prefill_per_s=slot.prefill_per_s,
            context=max(slot.options.num_ctx, 32_768),
        )
        found[model.full_name] = model
    return tuple(found.values())


def card_of(profile: Profile, *, scale: float = 0.05, seed: int = 0) -> SimulatedCard:
    """Return the card of a profile, with one model at a time where the profile says so."""
    return SimulatedCard(
        vram_mb=profile.vram_mb,
        models=tuple(models_of(profile)),
        scale=scale,
        seed=seed,
        max_loaded=1 if profile.single else 0,
    )
