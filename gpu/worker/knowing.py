"""What the worker knows of its card: slots as measured, other cards, digests, strangers."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pynvml
from django.db import connection

from adapters.inference.ollama import full_name
from gpu import conf
from gpu.errors import SlotRefusedError
from gpu.models import Card, Slot
from gpu.policy.placement import Card as PlacedCard
from gpu.policy.view import CardFacts, SlotFacts, State
from gpu.states import FOREIGN, Doing
from gpu.tiers import Tier
from gpu.worker import doors
from gpu.worker.current import Clock, Held
from gpu.worker.doors import Claim

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
"""A card that would have to stop something comes after one that does nothing."""
OVERDUE_SECONDS = 1.0
"""A card whose work should be over by now is taken to need so much more at least."""
CLOCK_STEP_SECONDS = 0.25
"""More than a slow look at the database makes; so far its clock was set, and ours goes with it."""
NO_LOAD_S = 0.1
"""What a server holds anyway: where it is not there, nothing brings it."""
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def slots(serves: Mapping[str, str] | None = None) -> dict[str, Slot]:
    """Return the slots in use by name; of a server with its own models, those that it serves.

    They are named there as the server does, have had their options at its start, and are pinned
    to nothing: it says no digest.
    """
    found = {slot.name: slot for slot in Slot.objects.filter(enabled=True)}
    if not serves:
        return found
    ours = {name: found[name] for name in serves if name in found}
    for name, slot in ours.items():
        slot.model, slot.options, slot.digest, slot.continues = serves[name], {}, "", ""
        # It is of a digest, too: that of an Ollama beside it.
        slot.fault = ""
    return ours


def facts(
    card: Card, known: Mapping[str, Slot] | None = None, cards: Sequence[Card] = ()
) -> CardFacts:
    """Return what the policy is told: measured figures where there are any.

    Of `cards`, those in use, another one does what this card's server does not list just now.
    """
    room = _room(card)
    all_slots = slots() if known is None else known
    if card.serves:
        theirs = [other for other in cards if other.name != card.name]
        return _served(card, {n: s for n, s in all_slots.items() if _is_here(card, s, theirs)})
    found = {
        slot.name: SlotFacts(
            name=slot.name,
            load_s=slot.measured_load_s or slot.load_s,
            vram_mb=slot.vram_mb,
            tokens_per_s=slot.measured_tokens_per_s or slot.tokens_per_s,
            prefill_per_s=slot.measured_prefill_per_s or slot.prefill_per_s,
            embeds=slot.kind == "embed",
        )
        for slot in all_slots.values()
        if slot.vram_mb <= room
    }
    found[FOREIGN] = SlotFacts(FOREIGN, 1.0, room, 1.0, 1.0, embeds=False)
    return CardFacts(vram_mb=room, slots=found, single=card.single)


def _is_here(card: Card, slot: Slot, others: Sequence[Card]) -> bool:
    """Tell whether a server's own model is its to answer by: it lists it, or nobody else has it."""
    return slot.name in card.resident or not any(
        slot.name in other.resident if other.serves else slot.vram_mb <= _room(other)
        for other in others
    )


def _room(card: Card) -> int:
    return card.vram_mb - card.reserve_mb


def _served(card: Card, known: Mapping[str, Slot]) -> CardFacts:
    """Return what holds of a server with its own models: they take no room, and no command may."""
    found = {
        name: SlotFacts(
            name=name,
            load_s=NO_LOAD_S,
            vram_mb=0,
            tokens_per_s=slot.measured_tokens_per_s or slot.tokens_per_s,
            prefill_per_s=slot.measured_prefill_per_s or slot.prefill_per_s,
            embeds=slot.kind == "embed",
        )
        for name, slot in known.items()
        if name in card.serves
    }
    return CardFacts(vram_mb=card.vram_mb, slots=found, single=False)


def clock() -> Clock:
    """Return a clock that goes with the database's."""
    before = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        there = float(cursor.fetchone()[0])
    return Clock(scale=conf.scale(), ahead_s=there - (before + time.monotonic()) / 2)


def remembered(card: Card) -> State:
    """Return what the policy remembered when the last worker of the card ended."""
    try:
        return State.from_json(card.policy)
    except ValueError:
        return State()


def refresh(held: Held) -> None:
    """Read slots, cards and clock again: figures move, people pin and switch off, hosts sleep."""
    began = time.monotonic()
    there = clock()
    # When in its look the database said its time, nobody knows: half of what it took is doubt.
    doubt = (time.monotonic() - began) / 2
    if abs(there.ahead_s - held.clock.ahead_s) > CLOCK_STEP_SECONDS + doubt:
        log.warning("the database's clock was set by %.1f s", there.ahead_s - held.clock.ahead_s)
        held.clock = there
    held.cards = tuple(Card.objects.filter(enabled=True))
    mine = next((card for card in held.cards if card.name == held.name), None)
    if mine is not None:
        held.serves = mine.serves
    held.slots = slots(held.serves)
    if mine is not None:
        held.facts = facts(mine, held.slots, held.cards)


def refresh_cards(held: Held) -> None:
    """Read what the other cards do just now, where there are any."""
    if len(held.cards) > 1:
        held.cards = tuple(Card.objects.filter(enabled=True))


def see_digests(held: Held) -> None:
    """Compare the server's models with the pinned digests; a changed one is refused.

    Raises:
        ModelServerError: the server does not answer.
    """
    there = {tag.model: tag.digest for tag in held.server.tags()}
    for slot in held.slots.values():
        digest = there.get(full_name(slot.model), "")
        if digest and doors.see_digest(slot.name, digest) == "changed":
            log.error(
                "%s has another digest than pinned: slot %s is refused", slot.model, slot.name
            )
    held.slots = slots(held.serves)


def see_digest(held: Held, name: str) -> None:
    """Compare one slot's model with its pinned digest, before it is loaded.

    Raises:
        SlotRefusedError: somebody has put another model in its place.
    """
    slot = held.slots[name]
    there = {tag.model: tag.digest for tag in held.server.tags()}
    digest = there.get(full_name(slot.model), "")
    if digest and digest != slot.digest:
        found = doors.see_digest(name, digest)
        held.slots = slots(held.serves)
        if found == "changed":
            raise SlotRefusedError(f"{slot.model} is not the model that slot {name} is pinned to")


def strangers_mb(held: Held) -> int | None:
    """Return the megabytes of the card that nobody of ours accounts for; None where unseen."""
    if not held.server.swaps_models or not any(host in held.server.url for host in LOCAL):
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        device = pynvml.nvmlDeviceGetHandleByIndex(conf.nvml_index())
        used = _used_bytes(device) // 2**20
    except pynvml.NVMLError as fault:
        log.warning("the card's memory could not be read: %s", fault)
        return None
    finally:
        pynvml.nvmlShutdown()
    ours = sum(each.vram_bytes for each in held.server.resident()) // 2**20
    return max(0, used - ours)


def _used_bytes(device: Any) -> int:
    """Return what programs have taken; what the driver keeps for itself is nobody's."""
    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2).used)
    except pynvml.NVMLError_FunctionNotFound:
        # Drivers before 510 count it all.
        return int(pynvml.nvmlDeviceGetMemoryInfo(device).used)


def expected_end(held: Held, claim: Claim, now: float) -> float | None:
    """Return when it will end, from measured speeds, in the policy's seconds; None is unknown."""
    facts, slot = held.facts.slots.get(claim.slot), held.slots.get(claim.slot)
    if facts is None or slot is None:
        return None
    begins = now + (claim.tokens_asked + claim.tokens_done) / facts.prefill_per_s
    if facts.embeds:
        return begins
    left = max((slot.mean_tokens_out or 400.0) - claim.tokens_done, 1.0)
    return begins + left / facts.tokens_per_s


def placed(held: Held, card: Card, now: float, *, ops: bool) -> PlacedCard:
    """Return a card as placement sees it when a job looks for one.

    This card asks while it may begin something, so it is free. Every other one does what its row
    says; but where `ops` look for a card, what is lower has to stop.
    """
    if card.name == held.name:
        return PlacedCard(card.name, held.state.resident, now, True, now, held.facts)  # noqa: FBT003
    lease = card.lease_until
    lives = lease is not None and held.clock.of(lease.timestamp()) > now
    return PlacedCard(
        name=card.name,
        resident=tuple(card.resident),
        free_at=_free_at(held, card, now, ops=ops),
        reachable=lives and card.doing != Doing.SICK,
        seen_at=now,
        facts=facts(card, held.slots, held.cards),
    )


def _free_at(held: Held, card: Card, now: float, *, ops: bool) -> float:
    stops = card.doing == Doing.RUNNING and card.doing_tier != Tier.OPS
    if card.doing == Doing.IDLE:
        return now
    if ops and stops:
        return now + STOP_SECONDS
    if card.doing == Doing.HELD or card.free_at is None:
        return math.inf
    free = held.clock.of(card.free_at.timestamp())
    # What takes longer than it was thought may take as long again.
    return free if free > now else now + max(now - free, OVERDUE_SECONDS)
