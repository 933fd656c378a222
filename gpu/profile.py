"""A profile: one kind of card, and the slots that people and agents may ask for on it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters import declared
from adapters.declared import Declaration, Read, refusal
from gpu.tiers import Tier

FOLDER = Path(__file__).resolve().parent / "profiles"
DEFAULT = "card-16gb"

SlotName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")]


class RunnerOptions(Declaration):
    """Options for which Ollama would start the model anew; fixed per slot."""

    num_ctx: int = Field(ge=256, le=1_048_576)
    num_batch: int | None = Field(default=None, ge=1, le=8192)
    num_gpu: int | None = Field(default=None, ge=0, le=999)
    main_gpu: int | None = Field(default=None, ge=0, le=15)
    num_thread: int | None = Field(default=None, ge=1, le=512)
    use_mmap: bool | None = None

    def given(self) -> dict[str, int | bool]:
        """Return what is said, as Ollama takes it."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class SlotDocument(Declaration):
    """A model with its runner options, what it costs to load, and who may use it."""

    name: SlotName
    model: str = Field(min_length=1, max_length=200)
    kind: Literal["chat", "embed"]
    options: RunnerOptions
    vram_mb: int = Field(ge=1, le=1_000_000)
    load_s: float = Field(gt=0, le=600)
    tokens_per_s: float = Field(gt=0, le=100_000)
    prefill_per_s: float = Field(gt=0, le=1_000_000)
    tiers: Annotated[tuple[Literal["ops", "embedding", "research"], ...], Field(min_length=1)]
    continues: Literal["assistant", "raw", ""] = ""
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The whole one, as /api/tags says it."""

    @model_validator(mode="after")
    def _embeds_where_embedded(self) -> "SlotDocument":
        if self.name == "card":
            raise refusal("`card` names foreign work.", "Give the slot another name.")
        if self.kind == "embed" and Tier.OPS in self.tiers:
            raise refusal("Ops do not embed.", "Take `ops` out of its tiers.")
        return self


class Profile(Declaration):
    """A card's memory and its slots."""

    name: str = Field(max_length=60)
    vram_mb: int = Field(ge=1, le=1_000_000)
    reserve_mb: int = Field(default=512, ge=0, le=1_000_000)
    """Kept free for the driver, and for what a model takes beyond its declared share."""
    single: bool = False
    """One model at a time, whatever would fit."""
    slots: Annotated[tuple[SlotDocument, ...], Field(min_length=1, max_length=40)]


def read_profile(name: str, folder: Path = FOLDER) -> Read[Profile]:
    """Read a profile by the name of its file, or by a path; slots must fit and be named once."""
    path = Path(name) if "/" in name else folder / f"{name}.yaml"
    found = declared.read(path, Profile)
    if found.value is None:
        return found
    seen: set[str] = set()
    faults = []
    room = found.value.vram_mb - found.value.reserve_mb
    for number, slot in enumerate(found.value.slots):
        if slot.name in seen:
            what = f"There is a second slot {slot.name}."
            faults.append(found.fault(("slots", number, "name"), what, "Give it another name."))
        if slot.vram_mb > room:
            what = f"Slot {slot.name} takes {slot.vram_mb} MB, the card has {room} MB for models."
            mend = "Take a smaller model or num_ctx, or a profile of a larger card."
            faults.append(found.fault(("slots", number, "vram_mb"), what, mend))
        seen.add(slot.name)
    return Read(found.file, None, tuple(faults), found.lines) if faults else found
