"""How a ticket stands, as its requester is told: one sentence, and no word of the trade. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from adapters.tickets.form_fields import PENDING_REASONS
from adapters.tickets.states import REOPEN_WITHIN
from ethops.pages.words import TICKET_STATES, State
from ethops.sla.standing import Standing

SENTENCES = {
    "new": "We have it. Nobody has begun yet.",
    "assigned": "Somebody is at work on it.",
    "escalated": "A person is asked to look at it.",
    "closed": "It is over and closed.",
    "approved": "It is approved, and somebody will begin.",
    "rejected": "It was not approved.",
    "notapproved": "It was not approved as planned.",
    "validated": "It is looked at, and will be planned.",
    "planned": "It is planned.",
    "implementing": "It is being done now.",
    "implemented": "It is done.",
    "monitored": "It is done, and being watched.",
    "failed": "It did not work, and was ended.",
}
OF_REQUESTER = {
    "pending": "It waits for you: answer below, and it goes on.",
    "resolved": "We think that it is solved. Close it if you find so, or open it again within"
    f" {REOPEN_WITHIN.days} days.",
}


def state(name: str) -> State:
    """Return the mark and word of a state."""
    return TICKET_STATES.get(name, State(name.replace("_", " ")))


def sentence(name: str, *, mine: bool, reason: str = "", role: str = "") -> str:
    """Say how a ticket stands to whoever looks."""
    if name == "pending":
        if mine and reason == "requester":
            return OF_REQUESTER["pending"]
        waits = dict(PENDING_REASONS).get(reason, "waits")
        return f"It {waits}."
    if name == "resolved":
        return OF_REQUESTER["resolved"] if mine else "It is solved, as the desk finds."
    if name == "waiting_for_approval":
        return f"It waits for somebody of {role} to approve it." if role else "It waits."
    return SENTENCES.get(name, "")


PROMISED = {"tto": "Somebody begins by", "ttr": "It is solved by"}


def promise(clocks: Iterable[Standing]) -> str:
    """Return the next time that was promised; nothing where none is, or it has passed."""
    due = [(one.due_at, one.kind) for one in clocks if one.word == "running" and one.due_at]
    if not due:
        return ""
    at, kind = min(due)
    return f"{PROMISED[kind]} {day_and_time(at)}, as promised."


def day_and_time(at: datetime) -> str:
    """Return `Mon 2 March, 14:30 UTC`."""
    return f"{at.astimezone(UTC):%a %-d %B, %H:%M} UTC"


AUTHORS = {"agent": "agent", "rule": "by rule", "executor": "by the house"}


def author(name: str, kind: str, person: str) -> str:
    """Return who says a line."""
    if kind == "person":
        return "you" if name == person else name
    return f"{name} ({AUTHORS.get(kind, kind)})"
