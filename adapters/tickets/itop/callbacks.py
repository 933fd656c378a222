"""What an iTop called us with: a hint which object to read, kept for a while, never believed."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from adapters.rows import now
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import adopt, backlog, follow
from adapters.tickets.itop.models import Callback, Mirrored
from adapters.tickets.itop.session import session

KEEP: Final = timedelta(days=7)
MOST: Final = 5_000
"""So many are kept at most; iTop itself has all of them as EventWebhook."""
_CLASS: Final = re.compile(r'"class"\s*:\s*"([A-Za-z]{1,64})"')
_ID: Final = re.compile(r'"id"\s*:\s*"?([0-9]{1,15})"?\s*[,}]')


def about(raw: bytes) -> tuple[str, int] | None:
    """Return class and id of the object that a body is about; None where it says none. Pure.

    A body whose quotes iTop did not escape is no JSON, and may still say which object it means.
    """
    text = raw.decode("utf-8", "replace")
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = _torn(text)
    if not isinstance(said, dict):
        return None
    itop_class, number = str(said.get("class", "")), str(said.get("id", ""))
    fit = number.isascii() and number.isdigit() and len(number) <= 15
    return (itop_class, int(number)) if fit and itop_class in adopt.OURS else None


def _torn(text: str) -> Mapping[str, str]:
    # The first of each: what people wrote stands behind them.
    found = {"class": _CLASS.search(text), "id": _ID.search(text)}
    return {name: match[1] for name, match in found.items() if match}


def heed(pk: int) -> None:
    """Read what a callback is about, unless that was read since it came."""
    row = Callback.objects.filter(pk=pk).first()
    if row is None or row.state != "stored":
        return
    # Before it is read: what comes from now on is given to a worker anew.
    Callback.objects.filter(pk=pk).update(state="read")
    meant = about(bytes(row.raw))
    if meant is None:
        _say(pk, "unreadable", "It names no ticket; the poller finds what it was about.")
        return
    itop_class, itop_id = meant
    if Mirrored.objects.filter(
        itop_class=itop_class, itop_id=itop_id, seen_at__gt=row.last_at
    ).exists():
        _say(pk, "read", "It was read since.")
        return
    try:
        done = follow.reread(session(), itop_class, itop_id)
    except TicketError as error:
        if not isinstance(error, backlog.OUTAGES):
            # Tried again by who was given it; after the last time a person is told.
            _say(pk, "stored", f"{error.code}: {error}")
            raise
        _say(pk, "left", f"iTop was away; the poller finds it. {error.code}")
        return
    put_off = done.held or not done.whole or done.left_out
    _say(pk, "left" if put_off else "read", f"{done.changed} taken over.")


def forget() -> int:
    """Delete what is older than is kept, and more than are kept; returns how many."""
    gone, _ = Callback.objects.filter(last_at__lt=now() - KEEP).delete()
    newest = Callback.objects.order_by("-last_at").values_list("last_at", flat=True)
    bound = newest[MOST : MOST + 1].first()
    if bound is not None:
        more, _ = Callback.objects.filter(last_at__lte=bound).delete()
        gone += more
    return gone


def _say(pk: int, state: str, said: str) -> None:
    # One that came again meanwhile is another worker's.
    Callback.objects.filter(pk=pk, state="read").update(state=state, said=said[:300])
