"""The states of each ticket class, the stimuli between them, and who may give each: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from adapters.tickets.errors import MoveRefusedError, NotAllowedError
from adapters.tickets.port import Role, TicketClass

INITIAL: Final = "new"

OPERATOR: Final = frozenset[Role]({"operator"})
DESK: Final = frozenset[Role]({"operator", "rule"})
WORKERS: Final = frozenset[Role]({"operator", "agent", "rule"})
ENDERS: Final = frozenset[Role]({"requester", "rule"})
ASKERS: Final = frozenset[Role]({"requester", "operator"})
APPROVER: Final = frozenset[Role]({"approver"})
HANDS: Final = frozenset[Role]({"operator", "executor"})

VARIANTS: Final[Mapping[TicketClass, tuple[str, ...]]] = {
    "incident": ("",),
    "problem": ("",),
    "change": ("standard", "normal", "emergency"),
    "request": ("plain", "with_approver"),
}
"""What a class comes as: the type of a change; whether a request waits for an approver."""

CAREFUL: Final = ("normal", "emergency")

PRIORITY: Final = ("impact", "urgency")


@dataclass(frozen=True, slots=True)
class Move:
    """One transition: the state it leads to, who may give it, and the fields that go with it.

    `needs` must be given, or stand there already; `takes` may be given; no other field may.
    `of` names the variants of the class that have it, none for all.
    """

    to: str
    by: frozenset[Role]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    of: tuple[str, ...] = ()


def _assign(by: frozenset[Role], *of: str) -> Move:
    return Move("assigned", by, ("team",), ("assignee", *PRIORITY), of)


def _escalate(by: frozenset[Role]) -> Move:
    return Move("escalated", by, (), ("team",))


def _resolve(by: frozenset[Role]) -> Move:
    return Move("resolved", by, ("solution",))


_PLAN: Final = Move("planned", OPERATOR, ("planned_start", "planned_end", "implementer", "backout"))
_CANCEL: Final = Move("closed", ASKERS, ("decision",))
_CLOSE: Final = Move("closed", DESK)
_WORKED_ON: Final[Mapping[str, Mapping[str, Move]]] = {
    "assigned": {
        "ev_assign": _assign(WORKERS),
        "ev_pending": Move("pending", OPERATOR, ("pending_reason",)),
        "ev_escalate": _escalate(WORKERS),
        "ev_resolve": _resolve(WORKERS),
    },
    "pending": {
        "ev_assign": _assign(DESK),
        "ev_escalate": _escalate(DESK),
        "ev_resolve": _resolve(DESK),
    },
    "escalated": {"ev_assign": _assign(WORKERS), "ev_resolve": _resolve(WORKERS)},
    "resolved": {
        "ev_close": Move("closed", ENDERS),
        "ev_reopen": Move("assigned", ENDERS | OPERATOR),
    },
    "closed": {},
}
"""What incidents and requests share: from the first assignment to the end."""

MOVES: Final[Mapping[TicketClass, Mapping[str, Mapping[str, Move]]]] = {
    "incident": {
        "new": {
            "ev_assign": _assign(WORKERS),
            "ev_escalate": _escalate(WORKERS),
            "ev_resolve": _resolve(WORKERS),
        },
        **_WORKED_ON,
    },
    "problem": {
        "new": {"ev_assign": _assign(DESK)},
        "assigned": {
            "ev_assign": _assign(DESK),
            "ev_known_error": Move("assigned", OPERATOR, ("workaround",), ("root_cause",)),
            "ev_resolve": Move("resolved", OPERATOR, ("root_cause", "solution")),
        },
        "resolved": {"ev_close": _CLOSE, "ev_reopen": Move("assigned", DESK)},
        "closed": {},
    },
    "change": {
        "new": {
            "ev_implement": Move("implementing", frozenset({"executor"}), of=("standard",)),
            "ev_assign": _assign(OPERATOR, "standard", "emergency"),
            "ev_validate": Move("validated", OPERATOR, of=("normal",)),
            "ev_reject": Move("rejected", APPROVER, ("decision",), of=("normal",)),
            "ev_cancel": _CANCEL,
        },
        "validated": {
            "ev_assign": _assign(OPERATOR, "normal"),
            "ev_reject": Move("rejected", APPROVER, ("decision",), of=("normal",)),
            "ev_cancel": _CANCEL,
        },
        "rejected": {"ev_reopen": Move("new", ASKERS), "ev_close": _CLOSE},
        "assigned": {"ev_assign": _assign(OPERATOR), "ev_plan": _PLAN, "ev_cancel": _CANCEL},
        "planned": {
            "ev_plan": _PLAN,
            "ev_approve": Move("approved", APPROVER, (), ("decision",), CAREFUL),
            "ev_notapprove": Move("notapproved", APPROVER, ("decision",), of=CAREFUL),
            "ev_implement": Move("implementing", OPERATOR, of=("standard",)),
            "ev_cancel": _CANCEL,
        },
        "approved": {
            "ev_plan": _PLAN,
            "ev_implement": Move("implementing", HANDS),
            "ev_cancel": _CANCEL,
        },
        "notapproved": {"ev_plan": _PLAN, "ev_cancel": _CANCEL},
        "implementing": {
            "ev_finish": Move("implemented", HANDS, (), ("solution",)),
            "ev_fail": Move("failed", HANDS, (), ("outcome", "solution")),
        },
        "implemented": {
            "ev_monitor": Move("monitored", DESK),
            "ev_fail": Move("failed", DESK, (), ("outcome", "solution")),
            "ev_close": _CLOSE,
        },
        "monitored": {
            "ev_fail": Move("failed", DESK, (), ("outcome", "solution")),
            "ev_close": _CLOSE,
        },
        "failed": {"ev_close": _CLOSE},
        "closed": {},
    },
    "request": {
        "new": {
            "ev_assign": _assign(WORKERS, "plain"),
            "ev_wait_for_approval": Move("waiting_for_approval", DESK, of=("with_approver",)),
            "ev_cancel": _CANCEL,
        },
        "waiting_for_approval": {
            "ev_approve": Move("approved", APPROVER, (), ("decision",), ("with_approver",)),
            "ev_reject": Move("rejected", APPROVER, ("decision",), of=("with_approver",)),
            "ev_cancel": _CANCEL,
        },
        "approved": {"ev_assign": _assign(WORKERS), "ev_cancel": _CANCEL},
        "rejected": {"ev_reopen": Move("new", ASKERS), "ev_close": Move("closed", ENDERS)},
        **_WORKED_ON,
    },
}
"""Ticket class -> state -> stimulus -> move."""

SETTLED: Final = frozenset({"resolved", "implemented", "monitored", "failed", "rejected", "closed"})
"""States in which a ticket asks nothing of anybody: not open."""

WAITING: Final = frozenset({"escalated", "waiting_for_approval"})
"""States that only a person ends; a change that was planned with care is another such."""

FILERS: Final[Mapping[TicketClass, frozenset[Role]]] = {
    "incident": ASKERS | {"rule"},
    "problem": DESK,
    "change": HANDS,
    "request": ASKERS,
}
"""Class -> who may open a ticket of it."""

REOPEN_WITHIN: Final = timedelta(days=7)
"""So long after it was settled a requester may have it opened again, and a rule waits to close."""


def move(
    ticket_class: TicketClass,
    state: str,
    stimulus: str,
    roles: frozenset[Role],
    variant: str = "",
) -> Move:
    """Return the transition that this stimulus makes when given by somebody of these roles.

    Raises:
        MoveRefusedError: this state has no such stimulus.
        NotAllowedError: it is not for any of these roles to give it.
    """
    there = moves(ticket_class, state, variant)
    if stimulus not in there:
        known = ", ".join(sorted(there)) or "no stimulus at all"
        raise MoveRefusedError(
            f"A {state} {called(ticket_class, variant)} does not take {stimulus}; it takes {known}."
        )
    found = there[stimulus]
    if not found.by & roles:
        who = " or ".join(sorted(found.by))
        raise NotAllowedError(
            f"{stimulus} of a {state} {called(ticket_class, variant)} is for {who} to give,"
            f" not for {' or '.join(sorted(roles)) or 'nobody in particular'}."
        )
    return found


def moves(ticket_class: TicketClass, state: str, variant: str = "") -> Mapping[str, Move]:
    """Return every transition out of a state, by stimulus."""
    there = MOVES[ticket_class].get(state, {})
    return {
        stimulus: found for stimulus, found in there.items() if not found.of or variant in found.of
    }


def offered(
    ticket_class: TicketClass, state: str, roles: frozenset[Role], variant: str = ""
) -> Mapping[str, Move]:
    """Return the transitions that somebody of these roles may make now."""
    there = moves(ticket_class, state, variant)
    return {stimulus: found for stimulus, found in there.items() if found.by & roles}


def called(ticket_class: TicketClass, variant: str) -> str:
    """Return the class as people say it: `normal change`, `request`."""
    return f"{variant} change" if ticket_class == "change" else ticket_class


def states(ticket_class: TicketClass) -> tuple[str, ...]:
    """Return every state of a class, the initial one first."""
    return tuple(MOVES[ticket_class])


def all_states() -> tuple[str, ...]:
    """Return every state there is, each once."""
    return tuple(dict.fromkeys(state for table in MOVES.values() for state in table))


def all_stimuli() -> tuple[str, ...]:
    """Return every stimulus there is, each once."""
    return tuple(
        dict.fromkeys(s for table in MOVES.values() for row in table.values() for s in row)
    )


def is_open(state: str) -> bool:
    """Tell whether somebody still has to do something about a ticket in this state."""
    return state not in SETTLED
