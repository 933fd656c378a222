"""Which models the server holds: read from it, and changed by unloading and loading."""

import logging
import time
from collections.abc import Mapping

from adapters.inference.errors import (
    ModelServerError,
    OverDeadlineError,
    UnknownModelError,
    UnreachableError,
)
from adapters.inference.ollama import full_name
from gpu.errors import LoadFailedError
from gpu.models import Slot
from gpu.policy import residency
from gpu.states import FOREIGN, Doing, Ending, PieceKind
from gpu.worker import doors, knowing
from gpu.worker.current import Held
from gpu.worker.doors import Claim

log = logging.getLogger(__name__)

LOAD_SLACK_SECONDS = 30.0
"""A load may take four times what was measured and this; then something is wedged."""
UNLOAD_SECONDS = 30.0


def read(held: Held) -> None:
    """Take residency from the server itself; what is not of ours is let go.

    Raises:
        ModelServerError: the server does not answer as it should.
    """
    found = {each.model: each.context for each in held.server.resident()}
    ours = [name for name, slot in held.slots.items() if _is(held, slot, found)]
    for model in found.keys() - {full_name(held.slots[name].model) for name in ours}:
        log.warning("%s was resident with options of nobody's; it is let go", model)
        held.server.unload(model, embeds=True, deadline=_in(UNLOAD_SECONDS))
    for name in set(held.state.resident) - set(ours):
        log.warning("slot %s was put out by somebody else", name)
    held.state = held.state.with_resident(ours)
    show(held)


def empty(held: Held) -> None:
    """Let go of whatever the server holds, of ours or of anybody's.

    Raises:
        ModelServerError: the server does not answer as it should.
    """
    for each in held.server.resident():
        held.server.unload(each.model, embeds=True, deadline=_in(UNLOAD_SECONDS))
    held.state = held.state.with_resident(())
    show(held)


def bring(held: Held, claim: Claim) -> tuple[float, bool]:
    """Make the job's slot resident; returns the seconds that took, and whether it was a swap.

    Raises:
        ModelServerError: the server failed; what is resident has to be read anew.
        LoadFailedError: no job is to blame: it was not loaded, or another card has it.
    """
    if claim.slot in held.state.resident and claim.slot != FOREIGN:
        return 0.0, False
    if not held.server.swaps_models and _is_listed(held, claim.slot):
        return 0.0, False
    began = time.monotonic()
    ends = knowing.expected_end(held, claim, held.facts.slots[claim.slot].load_s) or 0.0
    doors.show_card(
        held.name,
        held.fence,
        doing=Doing.LOADING,
        tier=claim.tier,
        slot=claim.slot,
        job=claim.id,
        free_in_s=ends * held.clock.scale,
    )
    if claim.slot == FOREIGN:
        empty(held)
        return time.monotonic() - began, False
    for name in residency.to_unload(held.state.resident, claim.slot, held.facts):
        _unload(held, name)
    knowing.see_digest(held, claim.slot)
    slot = held.slots[claim.slot]
    expected = held.facts.slots[claim.slot].load_s * held.clock.scale
    try:
        held.server.load(
            slot.model,
            slot.options,
            slot.kind == "embed",
            deadline=_in(4 * expected + held.clock.patience(LOAD_SLACK_SECONDS)),
        )
    except ModelServerError as fault:
        _piece(held, claim, time.monotonic() - began, Ending.FAILED)
        if isinstance(fault, UnreachableError | OverDeadlineError | UnknownModelError):
            raise
        raise LoadFailedError(f"{slot.model} was not loaded: {fault}") from fault
    took = time.monotonic() - began
    held.state = held.state.loaded(claim.slot)
    doors.measure(claim.slot, load_s=held.clock.span(took))
    _tell_if_half(held, slot)
    _piece(held, claim, took, Ending.FINISHED)
    show(held)
    return took, True


def _is_listed(held: Held, slot: str) -> bool:
    """Look once more whether a server with its own models has it, before a job ends of that."""
    read(held)
    knowing.refresh(held)
    if slot in held.state.resident:
        return True
    if slot not in held.facts.slots:
        raise LoadFailedError(f"{held.server.url} does not list what it has for {slot}")
    return False


def _tell_if_half(held: Held, slot: Slot) -> None:
    """Say where a model lies on the card by half: it answers, ten times slower."""
    found = [each for each in held.server.resident() if each.model == full_name(slot.model)]
    on_card, whole = (found[0].vram_bytes, found[0].bytes) if found else (0, 0)
    # Nothing of it lies there where there is no card at all.
    if 0 < on_card < whole:
        held.half = slot.name
        words = (
            f"{slot.model} has room for {on_card // 2**20} of its {whole // 2**20} MB only and is"
            " slow: somebody else takes the card's memory, or the profile promises too much of it"
        )
        log.warning("the card %s: %s", held.name, words)
        doors.show_card(held.name, held.fence, fault=words)
    elif held.half == slot.name or held.half not in ("", *held.state.resident):
        held.half = ""
        doors.show_card(held.name, held.fence, fault="")


def show(held: Held) -> None:
    """Write what is resident and what the policy remembers into the card's row."""
    doors.show_card(
        held.name, held.fence, resident=list(held.state.resident), policy=held.state.to_json()
    )


def _unload(held: Held, name: str) -> None:
    slot = held.slots.get(name)
    if slot is not None:
        held.server.unload(slot.model, slot.kind == "embed", deadline=_in(UNLOAD_SECONDS))
    held.state = held.state.unloaded(name)


def _is(held: Held, slot: Slot, found: Mapping[str, int]) -> bool:
    # Servers before 0.12 do not say the context; then the name has to do.
    context = found.get(full_name(slot.model))
    if context is None or context in (0, slot.context):
        return context is not None
    # What we loaded ourselves may have less: a server cuts it to what the model was trained for.
    return context < slot.context and slot.name in held.state.resident


def _piece(held: Held, claim: Claim, seconds: float, ending: Ending) -> None:
    doors.note_piece(
        held.name,
        held.fence,
        kind=PieceKind.LOAD,
        tier=claim.tier,
        slot=claim.slot,
        job=claim.id,
        seconds=seconds,
        ending=ending,
    )


def _in(seconds: float) -> float:
    return time.monotonic() + seconds
