"""The states of each ticket class and the stimuli that move between them."""

from collections.abc import Mapping
from typing import Final

from adapters.tickets.errors import MoveRefusedError
from adapters.tickets.port import TicketClass

INITIAL: Final = "new"

MOVES: Final[Mapping[TicketClass, Mapping[str, Mapping[str, str]]]] = {
    "incident": {
        "new": {"ev_assign": "assigned", "ev_escalate": "escalated", "ev_resolve": "resolved"},
        "assigned": {
            "ev_assign": "assigned",
            "ev_pending": "pending",
            "ev_escalate": "escalated",
            "ev_resolve": "resolved",
        },
        "pending": {"ev_assign": "assigned", "ev_escalate": "escalated", "ev_resolve": "resolved"},
        "escalated": {"ev_assign": "assigned", "ev_resolve": "resolved"},
        "resolved": {"ev_close": "closed", "ev_reopen": "assigned"},
        "closed": {},
    },
    "change": {
        "new": {"ev_implement": "implementing", "ev_close": "closed"},
        "implementing": {"ev_finish": "implemented", "ev_fail": "failed"},
        "implemented": {"ev_close": "closed"},
        "failed": {"ev_close": "closed"},
        "closed": {},
    },
}
"""Ticket class -> state -> stimulus -> next state."""

SETTLED: Final = frozenset({"resolved", "implemented", "failed", "closed"})
"""States in which a ticket asks nothing of anybody: not open."""

NEEDS: Final[Mapping[str, str]] = {"ev_assign": "team", "ev_resolve": "solution"}
"""Stimulus -> the field that must be given with it or be set before."""


def move(ticket_class: TicketClass, state: str, stimulus: str) -> str:
    """Return the next state.

    Raises:
        MoveRefusedError: this state has no such stimulus.
    """
    allowed = MOVES[ticket_class].get(state, {})
    if stimulus not in allowed:
        known = ", ".join(sorted(allowed)) or "no stimulus at all"
        raise MoveRefusedError(
            f"A {state} {ticket_class} does not take {stimulus}; it takes {known}."
        )
    return allowed[stimulus]


def states(ticket_class: TicketClass) -> tuple[str, ...]:
    """Return every state of a class, the initial one first."""
    return tuple(MOVES[ticket_class])


def is_open(state: str) -> bool:
    """Tell whether somebody still has to do something about a ticket in this state."""
    return state not in SETTLED
