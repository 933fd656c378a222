"""Senders and their bearer tokens; only a digest is stored."""

import hashlib
import secrets

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


def switch_off(name: str) -> bool:
    """Refuse a sender from now on; False where there is none of this name."""
    return bool(Sender.objects.filter(name=name).update(enabled=False))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
