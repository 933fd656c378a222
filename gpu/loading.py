"""Brings cards and slots into rows; run by the owner alone, at each start."""

from pathlib import Path

from django.db import transaction

from gpu import declaration
from gpu.models import Card, Slot
from gpu.profile import SlotDocument


@transaction.atomic
def load() -> list[str]:
    """Make the rows equal to the files; returns what changed, one line each.

    What is no longer declared is switched off, never removed: jobs name it. A slot whose model
    changed is pinned anew, and what was measured of the old one is forgotten.

    Raises:
        BadProfileError: a file has a fault; nothing was changed.
    """
    found = declaration.read_or_refuse()
    cards, profile = found.cards.cards, found.profile
    if not cards or profile is None:
        return _off(set(), set())
    changed = [line for slot in found.slots if (line := _slot(slot))]
    for position, card in enumerate(cards):
        _, made = Card.objects.update_or_create(
            name=card.name,
            defaults={
                "url": card.url,
                "serves": card.models,
                "key_file": _path(card.key_file),
                "vram_mb": profile.vram_mb,
                "reserve_mb": profile.reserve_mb,
                "single": profile.single,
                "position": position,
                "enabled": True,
            },
        )
        changed += [f"added card {card.name}"] if made else []
    return changed + _off({slot.name for slot in found.slots}, {card.name for card in cards})


def _path(file: str) -> str:
    return str(Path(file).expanduser().absolute()) if file else ""


def _slot(slot: SlotDocument) -> str:
    values = {
        "model": slot.model,
        "kind": slot.kind,
        "options": slot.options.given(),
        "context": slot.options.num_ctx,
        "vram_mb": slot.vram_mb,
        "load_s": slot.load_s,
        "tokens_per_s": slot.tokens_per_s,
        "prefill_per_s": slot.prefill_per_s,
        "tiers": list(slot.tiers),
        "continues": slot.continues,
        "enabled": True,
    }
    old = Slot.objects.filter(name=slot.name).first()
    if slot.digest:
        # A declared pin goes before one that was taken at first sight.
        values["digest"] = slot.digest
    if old is not None and all(getattr(old, name) == value for name, value in values.items()):
        return ""
    if old is None or old.model != slot.model:
        forgotten = ("measured_load_s", "measured_tokens_per_s", "measured_prefill_per_s")
        values |= {"digest": slot.digest or "", **dict.fromkeys(forgotten)}
    Slot.objects.update_or_create(name=slot.name, defaults={**values, "fault": ""})
    return f"{'added' if old is None else 'changed'} slot {slot.name}"


def _off(slots: set[str], cards: set[str]) -> list[str]:
    lost_slots = Slot.objects.filter(enabled=True).exclude(name__in=slots)
    lost_cards = Card.objects.filter(enabled=True).exclude(name__in=cards)
    lines = [f"retired slot {slot.name}" for slot in lost_slots]
    lines += [f"retired card {card.name}" for card in lost_cards]
    lost_slots.update(enabled=False)
    lost_cards.update(enabled=False)
    return lines
