"""What iTop cannot do of what our tickets can: each move that has no counterpart there. Pure."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from adapters.tickets import states
from adapters.tickets.itop import paths, words
from adapters.tickets.port import TicketClass

Lack: TypeAlias = tuple[TicketClass, str, str, str]

_STANDS_ON: Final = {"escalated": "assigned", "failed": "implemented"}
"""States that are ours alone -> what iTop's is while they stand; `implementing` depends."""


def stands_on(itop_class: str, state: str) -> str:
    """Return the state that iTop is in, by our own doing, while a ticket here is in this one."""
    if state == "implementing":
        return "plannedscheduled" if itop_class == "RoutineChange" else "approved"
    if state in _STANDS_ON:
        return _STANDS_ON[state]
    # The first: iTop's escalated states mean the same to us, and come with its clock.
    return next((theirs for theirs, ours in words.STATES[itop_class].items() if ours == state), "")


def _lacks(ticket_class: TicketClass, variant: str, itop_class: str) -> set[Lack]:
    return {
        (ticket_class, variant, state, stimulus)
        for state in states.states(ticket_class)
        for stimulus in states.moves(ticket_class, state, variant)
        if stands_on(itop_class, state) not in paths.PATHS[itop_class].get(stimulus, {})
    }


def _why(states_of: set[str]) -> str:
    return f"iTop has no way to make it from: {', '.join(sorted(states_of))}."


LACKS: Final[frozenset[Lack]] = frozenset(
    lack
    for (ticket_class, variant), itop_class in words.CLASSES.items()
    for lack in _lacks(ticket_class, variant, itop_class)
)
"""(class, variant, state, stimulus) that are refused here, since iTop has no way to make them."""


CANNOT: Final[Mapping[str, str]] = {
    f"{states.called(ticket_class, variant)} {stimulus}": _why(
        {state for *of, state, told in LACKS if (*of, told) == (ticket_class, variant, stimulus)}
    )
    for ticket_class, variant, _, stimulus in sorted(LACKS)
}
"""What is said of the same where an adapter's capabilities are listed."""
