"""Keys of the proxy: who may ask, in which tier, for which slots, and how much at once.

A key is shown once, when it is made; the row keeps its SHA-256 alone.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction

from audit.ledger.pending import note
from gpu import rows
from gpu.errors import GpuError, UnknownSlotError
from gpu.models import Client
from gpu.tiers import Tier

PREFIX: Final = "ethops-"
"""So that a key is known for one where it should not be."""
MOST_WAITING: Final = 512
DEFAULT_WAITING: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


class UnfitKeyError(GpuError):
    """A key cannot be made like this."""

    code = "gpu.unfit_key"
    hint = "The message names what is allowed."


def make_key(
    name: str,
    *,
    tier: str,
    slots: Sequence[str] = (),
    max_waiting: int = DEFAULT_WAITING,
    by: str,
) -> str:
    """Make a client and return its key, which nobody can read again; no slots means all.

    Raises:
        UnfitKeyError: the name is taken or none, the tier is none, or the share is out of range.
        UnknownSlotError: a slot is not there, or not for this tier.
    """
    if not _NAME.fullmatch(name):
        raise UnfitKeyError(f"{name!r} is no name: letters, digits and . _ -, at most 60.")
    if tier not in set(Tier):
        raise UnfitKeyError(f"{tier!r} is no tier: one of {', '.join(Tier)}.")
    if not 1 <= max_waiting <= MOST_WAITING:
        raise UnfitKeyError(f"From 1 to {MOST_WAITING} requests may wait, not {max_waiting}.")
    _check_slots(Tier(tier), slots)
    key = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            Client.objects.create(
                name=name,
                key_hash=digest_of(key),
                tier=tier,
                slots=list(slots),
                max_waiting=max_waiting,
            )
            _note("made", name, by, tier=tier, slots=list(slots), max_waiting=max_waiting)
    except IntegrityError as fault:
        raise UnfitKeyError(f"There is a key {name} already: take another name.") from fault
    return key


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def listed() -> list[Client]:
    """Return every client, without its key."""
    return list(Client.objects.order_by("name"))


def disable(name: str, *, by: str) -> bool:
    """Refuse a key from now on; False where there is none that was on."""
    with transaction.atomic():
        if not Client.objects.filter(name=name, enabled=True).update(enabled=False):
            return False
        _note("off", name, by)
    return True


def _check_slots(tier: Tier, slots: Sequence[str]) -> None:
    allowed = [slot.name for slot in rows.slots(tier)]
    for slot in slots:
        if slot not in allowed:
            raise UnknownSlotError(
                f"There is no slot {slot} for the tier {tier}: {', '.join(allowed) or 'none'}."
            )


def _note(what: str, name: str, by: str, **more: str | int | list[str]) -> None:
    note(kind="person.gpu_key", subject=name, body={"what": what, "by": by, **more})
