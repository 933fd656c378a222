"""What is refused at the desk's login, bounded and on record."""

from typing import Any, Final

from django.http import HttpRequest

from adapters.text import one_line
from audit.ledger import pending
from ethops.guests.knocks import Bound

PLACE: Final = Bound("desk login place", 60, 900)
"""Tries to log in from one address."""
PAIR: Final = Bound("desk login name at place", 10, 900)
"""Tries to log in under one name from one address."""
NAME: Final = Bound("desk login name", 100, 900)
"""Tries under one name from anywhere: higher, so that no stranger easily keeps a person out."""
TOLD: Final = Bound("desk login told", 30, 3_600)
"""Refusals from one address that are put on record one by one."""


def address(request: HttpRequest | None) -> str:
    """Return where somebody comes from, as the server says."""
    return str((request.META.get("REMOTE_ADDR") if request else "") or "nowhere")


def too_often(request: HttpRequest | None, name: str) -> int:
    """Count one more try; returns after how many seconds to come again, 0 where it is well."""
    place = address(request)
    name = name.casefold()
    # All are counted, whichever refuses.
    return max(PLACE.knock(place), PAIR.knock(f"{place} {name}"), NAME.knock(name))


def failed(sender: object, credentials: dict[str, Any], **more: Any) -> None:
    """Put a login on record that did not hold."""
    del sender
    note(more.get("request"), code="logins.failed", name=str(credentials.get("username", "")))


def note(request: HttpRequest | None, *, code: str, name: str) -> None:
    """Put a refusal on record, so many of one address."""
    place = address(request)
    if TOLD.knock(place):
        return
    body = {
        "code": code,
        "address": one_line(place, 64),
        "where": one_line(request.path if request else "", 200),
    }
    pending.note(kind="person.login_refused", subject=one_line(name, 150) or "nobody", body=body)
