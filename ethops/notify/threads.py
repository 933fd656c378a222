"""How mail hangs together by ticket: ids of messages, and the ref in the subject. Pure."""

import re
from typing import Final

REF: Final = re.compile(r"\[((?:INC|PRB|CHG|REQ)-[0-9]{1,12})\]")
_OWN: Final = re.compile(r"<(?P<local>[A-Za-z0-9.-]{1,80})@(?P<host>[A-Za-z0-9.-]{1,180})>")
_TICKET: Final = re.compile(r"ticket\.((?:INC|PRB|CHG|REQ)-[0-9]{1,12})")


def subject(ref: str, title: str) -> str:
    """Return a subject with the ticket's ref in it, once."""
    return title if not ref or f"[{ref}]" in title else f"[{ref}] {title}"


def own_id(key: str, sender: str) -> str:
    """Return the id of a message of ours."""
    return f"<notice.{key}@{_host(sender)}>"


def of_ticket(ref: str, sender: str) -> str:
    """Return the id that all mail about a ticket refers to."""
    return f"<ticket.{ref}@{_host(sender)}>"


def is_own(message_id: str, sender: str) -> bool:
    """Tell whether a message came from us."""
    match = _OWN.fullmatch(message_id.strip())
    if match is None or match["host"].lower() != _host(sender):
        return False
    return match["local"].startswith(("notice.", "ticket."))


def refs(subject_line: str, references: str, sender: str) -> list[str]:
    """Return the tickets that a message may mean: by what it refers to, then by its subject."""
    found = [
        ticket[1]
        for match in _OWN.finditer(references)
        if match["host"].lower() == _host(sender) and (ticket := _TICKET.fullmatch(match["local"]))
    ]
    return list(dict.fromkeys([*found, *REF.findall(subject_line)]))


def _host(sender: str) -> str:
    return sender.rpartition("@")[2].lower()
