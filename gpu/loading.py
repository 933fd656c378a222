"""Brings cards and slots into rows; run by the owner alone, at each start."""

from pathlib import Path

from django.db import transaction

from gpu import conf
from gpu.cards import CardsFile, declared_cards, served
from gpu.errors import BadProfileError
from gpu.models import Card, Slot
from gpu.profile import Profile, SlotDocument, read_profile


@transaction.atomic
def load() -> list[str]:
    """Make the rows equal to the files; returns what changed, one line each.

    What is no longer declared is switched off, never removed: jobs name it. A slot whose model
    changed is pinned anew, and what was measured of the old one is forgotten.

    Raises:
        BadProfileError: a file has a fault; nothing was changed.
    """
    cards = _read_cards()
    if not cards.cards:
        return _off(set(), set())
    profile = _read_profile(cards.profile)
    slots = served(profile, cards)
    changed = [line for slot in slots if (line := _slot(slot))]
    for position, card in enumerate(cards.cards):
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
    return changed + _off({slot.name for slot in slots}, {c.name for c in cards.cards})


def _path(file: str) -> str:
    return str(Path(file).expanduser().absolute()) if file else ""


def _read_cards() -> CardsFile:
    found = declared_cards(conf.cards_file(), conf.ollama_host(), conf.profile(), conf.server())
    if found.value is None:
        raise BadProfileError("; ".join(map(str, found.faults)))
    return found.value


def _read_profile(name: str) -> Profile:
    found = read_profile(name)
    if found.value is None:
        raise BadProfileError("; ".join(map(str, found.faults)))
    return found.value


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
