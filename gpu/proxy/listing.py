"""What a key may use, and what of it is loaded: from our rows, in the shapes of both APIs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.json_value import JSON
from gpu.models import Card, Client, Slot
from gpu.proxy import slots

API_VERSION: Final = "0.11.4"
"""The version of Ollama whose API this is; programs ask for it before they use a field."""
UNKNOWN_TIME: Final = "0001-01-01T00:00:00Z"
"""Go's zero time, as Ollama shows what it does not know."""
FOREVER: Final = "2318-01-01T00:00:00Z"
MEGABYTE: Final = 1024 * 1024


def tags(client: Client, known: Sequence[Slot]) -> dict[str, JSON]:
    """Return the slots of a key as Ollama lists models."""
    return {"models": [_model(slot) for slot in slots.open_to(client, known)]}


def processes(client: Client, known: Sequence[Slot], cards: Sequence[Card]) -> dict[str, JSON]:
    """Return what is loaded of the slots of a key; who unloads it is the queue's to say."""
    resident = {name for card in cards for name in card.resident}
    loaded = [slot for slot in slots.open_to(client, known) if slot.name in resident]
    return {"models": [_process(slot) for slot in loaded]}


def show(slot: Slot) -> dict[str, JSON]:
    """Return one slot as Ollama shows a model."""
    embeds = slot.kind == "embed"
    return {
        "modelfile": f"FROM {slot.model}\n",
        "parameters": "\n".join(f"{n:<30} {v}" for n, v in sorted(slot.options.items())),
        "template": "",
        "details": _details(slot),
        "model_info": {
            "general.architecture": "slot",
            "general.basename": slot.model,
            "slot.context_length": slot.context,
        },
        "capabilities": ["embedding" if embeds else "completion"],
        "modified_at": UNKNOWN_TIME,
    }


def models(client: Client, known: Sequence[Slot]) -> dict[str, JSON]:
    """Return the slots of a key as OpenAI lists models."""
    return {"object": "list", "data": [model(slot.name) for slot in slots.open_to(client, known)]}


def model(name: str) -> dict[str, JSON]:
    """Return one slot as OpenAI shows a model."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "library"}


def cards() -> list[Card]:
    """Read the cards in use."""
    return list(Card.objects.filter(enabled=True))


def _model(slot: Slot) -> dict[str, JSON]:
    return {**_named(slot), "modified_at": UNKNOWN_TIME}


def _process(slot: Slot) -> dict[str, JSON]:
    size: Mapping[str, Any] = {"size_vram": slot.vram_mb * MEGABYTE}
    return {**_named(slot), **size, "expires_at": FOREVER, "context_length": slot.context}


def _named(slot: Slot) -> dict[str, JSON]:
    return {
        "name": slot.name,
        "model": slot.name,
        "size": slot.vram_mb * MEGABYTE,
        "digest": slot.digest,
        "details": _details(slot),
    }


def _details(slot: Slot) -> dict[str, JSON]:
    return {
        "parent_model": slot.model,
        "format": "gguf",
        "family": "",
        "families": [],
        "parameter_size": "",
        "quantization_level": "",
    }
