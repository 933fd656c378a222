"""Senders and their bearer tokens; only a digest is stored."""

import hashlib
import secrets
from collections.abc import Mapping

from django.core.exceptions import ValidationError

from ethops.desk.errors import SenderRefusedError
from ethops.desk.models import Sender


def create(name: str) -> str:
    """Make or renew a sender and return its token, which is shown this once."""
    token = secrets.token_urlsafe(32)
    Sender.objects.update_or_create(
        name=name, defaults={"token_hash": _digest(token), "enabled": True}
    )
    return token


def authenticate(token: str) -> str | None:
    """Return the sender of this token; looking up a digest gives nothing away by its time."""
    found = Sender.objects.filter(token_hash=_digest(token), enabled=True)
    return found.values_list("name", flat=True).first()


def expect(name: str, *, silent_after_s: int | None, watchdog: str = "") -> None:
    """Say after how long a sender's silence is told to a person, and what must keep coming.

    Raises:
        SenderRefusedError: there is no such sender, or no such time.
    """
    sender = Sender.objects.filter(name=name).first()
    if sender is None:
        raise SenderRefusedError(f"There is no sender {name}.")
    sender.silent_after_s, sender.watchdog = silent_after_s, watchdog
    try:
        sender.full_clean()
    except ValidationError as fault:
        raise SenderRefusedError(_said(fault.message_dict)) from fault
    sender.save(update_fields=["silent_after_s", "watchdog"])


def switch_off(name: str) -> bool:
    """Refuse a sender from now on; False where there is none of this name."""
    return bool(Sender.objects.filter(name=name).update(enabled=False))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _said(faults: Mapping[str, list[str]]) -> str:
    return " ".join(f"{name}: {' '.join(texts)}" for name, texts in faults.items())
