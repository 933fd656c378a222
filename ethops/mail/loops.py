"""Which letters no person wrote to us: they are kept, and nobody answers them. Pure.

RFC 3834 says how programs mark what they send; the rest is what programs do that do not.
"""

import re
from collections.abc import Mapping
from typing import Final

MOST_HANDS: Final = 30
"""Through so many servers no letter goes that is not going in a circle."""
BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
MARKS: Final = ("x-autoreply", "x-autorespond", "x-loop", "list-id", "x-failed-recipients")
DAEMONS: Final = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)(?:[+._-].*)?")


def machine(
    headers: Mapping[str, str], *, sender: str, envelope: str, own: str, received: int
) -> str:
    """Return why a letter is a machine's; empty where a person may have written it."""
    said = headers.get("auto-submitted", "no").strip().lower()
    if not said.startswith("no"):
        return "auto-submitted"
    if headers.get("precedence", "").strip().lower() in BULK:
        return "precedence"
    for mark in MARKS:
        if mark in headers:
            return mark
    if envelope.strip("<> ") == "":
        return "no return path"
    if sender == own.lower():
        return "our own address"
    if DAEMONS.fullmatch(sender.partition("@")[0]):
        return "sent by a daemon"
    if headers.get("content-type", "").lower().startswith("multipart/report"):
        return "a report"
    return "in a circle" if received > MOST_HANDS else ""


def forged(headers: Mapping[str, str]) -> bool:
    """Tell whether the site's own mail server found the sender forged (RFC 8601)."""
    said = headers.get("authentication-results", "").lower()
    return bool(re.search(r"\bdmarc\s*=\s*fail\b", said))
