"""Which stimuli of iTop make one of our moves, and what iTop must be told at each. Pure.

The table is what guards the life cycle: iTop's REST takes every stimulus from everybody who may
write the class, and its internal ones too. What stands here is sent, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.tickets.errors import NoCounterpartError
from adapters.tickets.itop import words


@dataclass(frozen=True, slots=True)
class Step:
    """One stimulus, and the state that iTop is in after it."""

    stimulus: str
    to: str


Paths = Mapping[str, tuple[Step, ...]]


def _by(said: str) -> tuple[Step, ...]:
    return tuple(Step(*one.split(">")) for one in said.split())


def _paths(**said: str) -> Paths:
    return {state: _by(steps) for state, steps in said.items()}


_ASSIGN: Final = "ev_assign>assigned"
_REASSIGN: Final = "ev_reassign>assigned"
_RESOLVE: Final = "ev_resolve>resolved"
_WORK: Final[Mapping[str, Paths]] = {
    "ev_assign": _paths(
        new=_ASSIGN,
        escalated_tto=_ASSIGN,
        assigned=_REASSIGN,
        escalated_ttr=_REASSIGN,
        pending=_ASSIGN,
    ),
    # iTop's escalated states are its clock's; that a person must look is a line and a team.
    "ev_escalate": _paths(
        new="", escalated_tto="", assigned=_REASSIGN, escalated_ttr=_REASSIGN, pending=""
    ),
    "ev_pending": _paths(assigned="ev_pending>pending", escalated_ttr="ev_pending>pending"),
    "ev_resolve": _paths(
        new=f"{_ASSIGN} {_RESOLVE}",
        escalated_tto=f"{_ASSIGN} {_RESOLVE}",
        assigned=_RESOLVE,
        escalated_ttr=_RESOLVE,
        pending=f"{_ASSIGN} {_RESOLVE}",
    ),
    "ev_close": _paths(resolved="ev_close>closed"),
    "ev_reopen": _paths(resolved="ev_reopen>assigned"),
}
_CANCEL: Final = f"{_ASSIGN} {_RESOLVE} ev_close>closed"
_PLAN: Final = "ev_plan>plannedscheduled"
_IMPLEMENT: Final = "ev_implement>implemented"
_CHANGE: Final[Mapping[str, Paths]] = {
    # A change has no stimulus that gives it to another; its fields are written.
    "ev_assign": _paths(new=_ASSIGN, assigned=""),
    "ev_monitor": _paths(implemented="ev_monitor>monitored"),
    "ev_close": _paths(implemented="ev_finish>closed", monitored="ev_finish>closed", rejected=""),
}
_DECIDED: Final[Mapping[str, Paths]] = {
    **_CHANGE,
    "ev_plan": _paths(
        assigned=_PLAN, plannedscheduled="", notapproved="ev_replan>plannedscheduled"
    ),
    "ev_approve": _paths(plannedscheduled="ev_approve>approved"),
    "ev_notapprove": _paths(plannedscheduled="ev_notapprove>notapproved"),
    "ev_implement": _paths(approved=""),
    "ev_finish": _paths(approved=_IMPLEMENT, implemented=""),
    "ev_fail": _paths(approved=_IMPLEMENT, implemented="", monitored=""),
}

PATHS: Final[Mapping[str, Mapping[str, Paths]]] = {
    "Incident": _WORK,
    "UserRequest": {
        **_WORK,
        "ev_assign": {**_WORK["ev_assign"], **_paths(approved=_ASSIGN)},
        "ev_close": {**_WORK["ev_close"], **_paths(rejected="")},
        "ev_reopen": {**_WORK["ev_reopen"], **_paths(rejected="ev_reopen>new")},
        "ev_wait_for_approval": _paths(new="ev_wait_for_approval>waiting_for_approval"),
        "ev_approve": _paths(waiting_for_approval="ev_approve>approved"),
        "ev_reject": _paths(waiting_for_approval="ev_reject>rejected"),
        "ev_cancel": _paths(new=_CANCEL, approved=_CANCEL, escalated_tto=_CANCEL),
    },
    "Problem": {
        "ev_assign": _paths(new=_ASSIGN, assigned=_REASSIGN),
        "ev_known_error": _paths(assigned=""),
        "ev_resolve": _paths(assigned=_RESOLVE),
        "ev_close": _paths(resolved="ev_close>closed"),
        "ev_reopen": _paths(resolved=_REASSIGN),
    },
    "RoutineChange": {
        **_CHANGE,
        "ev_plan": _paths(assigned=_PLAN, plannedscheduled=""),
        # iTop knows no change that is being made: it is planned, and then it is done.
        "ev_implement": _paths(new=f"{_ASSIGN} {_PLAN}", assigned=_PLAN, plannedscheduled=""),
        "ev_finish": _paths(plannedscheduled=_IMPLEMENT, implemented=""),
        "ev_fail": _paths(plannedscheduled=_IMPLEMENT, implemented="", monitored=""),
    },
    "NormalChange": {
        **_DECIDED,
        "ev_validate": _paths(new="ev_validate>validated"),
        "ev_reject": _paths(new="ev_reject>rejected"),
        "ev_reopen": _paths(rejected="ev_reopen>new"),
        "ev_assign": _paths(validated=_ASSIGN, assigned=""),
    },
    "EmergencyChange": _DECIDED,
}
"""iTop's class -> our stimulus -> iTop's state -> what is sent; nothing means only a line."""

DEMANDED: Final[Mapping[str, tuple[str, ...]]] = {
    "assigned": ("team_id", "agent_id"),
    "pending": ("pending_reason",),
    "resolved": ("solution", "resolution_code"),
    "validated": ("acceptance_date", "acceptance_comment"),
    "plannedscheduled": ("start_date", "end_date", "impact", "outage", "fallback"),
    "approved": ("approval_date", "approval_comment"),
    "notapproved": ("reason",),
    "rejected": ("reason",),
}
"""State -> what it is not entered without; iTop itself lets a key of 0 pass."""

_TIMELESS: Final = frozenset({("UserRequest", "approved"), ("UserRequest", "rejected")})
_UNSOLVED: Final = frozenset({("Problem", "resolved")})

_NEVER: Final = frozenset({"status", "ref"})
_ASSIGNMENT: Final = frozenset({"team_id", "agent_id"})
_SETTLED: Final = frozenset({"resolved", "closed"})
_OVER: Final = frozenset({"implemented", "monitored", "closed"})
_HELD: Final = frozenset({"assigned", "escalated_ttr", "pending", "resolved", "closed"})


def steps(itop_class: str, stimulus: str, status: str) -> tuple[Step, ...]:
    """Return what iTop is sent for one of our moves from the state that it is in.

    Raises:
        NoCounterpartError: iTop has no way to make this move from there.
    """
    found = PATHS[itop_class].get(stimulus, {}).get(status)
    if found is None:
        raise NoCounterpartError(
            f"iTop has no counterpart of {stimulus} for a {itop_class} that is {status}."
        )
    return found


def demanded(itop_class: str, state: str) -> tuple[str, ...]:
    """Return what we demand before an object of a class comes into a state."""
    if (itop_class, state) in _TIMELESS | _UNSOLVED:
        return ()
    return DEMANDED.get(state, ())


def is_read_only(itop_class: str, status: str, attribute: str) -> bool:
    """Tell whether iTop's own pages would refuse to change this attribute in this state."""
    if attribute in _NEVER:
        return True
    if itop_class in words.CHANGES:
        return status in _OVER
    if itop_class != "Problem" and attribute in _ASSIGNMENT and status in _HELD:
        return True
    return status in _SETTLED
