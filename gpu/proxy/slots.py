"""Which slot a request means, whether its key may have it, and what it may say to it: pure."""

from collections.abc import Sequence
from typing import Final

from adapters.inference.errors import RefusedOptionError
from adapters.inference.sampling import RUNNER, options_of
from adapters.json_value import JSON
from gpu.models import Client, Slot
from gpu.proxy.errors import RefusedError
from gpu.proxy.wanted import Wanted
from gpu.states import JobKind

FAULT_SECONDS: Final = 60
_WORDS: Final = {JobKind.CHAT: "chat", JobKind.GENERATE: "generate", JobKind.EMBED: "embeddings"}


def open_to(client: Client, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots that a key may use."""
    return [
        slot
        for slot in slots
        if client.tier in slot.tiers and (not client.slots or slot.name in client.slots)
    ]


def named(model: str, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots that a name means: its own name first, else the model's."""
    own = [slot for slot in slots if slot.name == model]
    return own or [slot for slot in slots if _tagged(slot.model) == _tagged(model)]


def looked_up(model: str, client: Client, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots behind a name that a key may use.

    Raises:
        RefusedError: 400 no name, 404 nobody has it, 403 others have it; each names what there is.
    """
    if not model:
        raise RefusedError(400, "model is required", kind="missing_model")
    meant = named(model, slots)
    allowed = open_to(client, slots)
    if not meant:
        raise RefusedError(
            404,
            f"model '{model[:200]}' not found, {_offered(allowed)}",
            kind="model_not_found",
        )
    found = [slot for slot in meant if slot in allowed]
    if not found:
        raise RefusedError(
            403,
            f"model '{model}' is not open to this key (tier {client.tier}), {_offered(allowed)}",
            kind="model_not_allowed",
        )
    return found


def chosen(wanted: Wanted, client: Client, slots: Sequence[Slot]) -> Slot:
    """Return the slot that a request goes to.

    Raises:
        RefusedError: as `looked_up`; 400 the model does not do that; 503 the slot has a fault.
    """
    found = looked_up(wanted.model, client, slots)
    kind = "embed" if wanted.kind is JobKind.EMBED else "chat"
    able = [slot for slot in found if slot.kind == kind]
    if not able:
        raise RefusedError(
            400,
            f'"{wanted.model}" does not support {_WORDS[wanted.kind]}',
            kind="unsupported_model",
        )
    slot = next((slot for slot in able if _fixes(slot, wanted)), able[0])
    if slot.fault:
        raise RefusedError(
            503,
            f"the slot {slot.name} has a fault: {slot.fault}",
            kind="slot_fault",
            headers={"Retry-After": str(FAULT_SECONDS)},
        )
    return slot


def sampling(wanted: Wanted, slot: Slot) -> dict[str, JSON]:
    """Return what a request may choose, its repetition of the slot's own options left out.

    Raises:
        RefusedError: 400, an option that is unknown, out of range, or the slot's and different.
    """
    try:
        options_of(slot.options, wanted.options)
    except RefusedOptionError as error:
        raise RefusedError(400, f"slot {slot.name}: {error}", kind="invalid_option") from error
    return {
        name: value
        for name, value in wanted.options.items()
        if value is not None and name not in RUNNER
    }


def _fixes(slot: Slot, wanted: Wanted) -> bool:
    own = {name: value for name, value in wanted.options.items() if name in RUNNER}
    return all(slot.options.get(name) == value for name, value in own.items() if value is not None)


def _offered(slots: Sequence[Slot]) -> str:
    if not slots:
        return "and this key has no slot"
    return f"ask for one of: {', '.join(f'{slot.name} ({slot.model})' for slot in slots)}"


def _tagged(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
