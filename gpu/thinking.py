"""With which slot a persona thinks: its own, or the first chat slot of operations."""

from gpu.models import Card, Slot
from gpu.tiers import Tier


def slot_of(wanted: str | None) -> Slot | None:
    """Return the slot, None where no card is declared; an unknown wish gets the first slot."""
    if not Card.objects.filter(enabled=True).exists():
        return None
    chats = [
        slot
        for slot in Slot.objects.filter(enabled=True, kind="chat").order_by("load_s", "name")
        if Tier.OPS in slot.tiers
    ]
    return next((slot for slot in chats if slot.name == wanted), chats[0] if chats else None)
