"""The life cycles of iTop's own data model: state -> stimulus -> state, and what REST demands."""

from typing import Final

_WORK: Final = {
    "assigned": {
        "ev_pending": "pending",
        "ev_resolve": "resolved",
        "ev_reassign": "assigned",
        "ev_timeout": "escalated_ttr",
        "ev_autoresolve": "resolved",
    },
    "escalated_ttr": {
        "ev_pending": "pending",
        "ev_resolve": "resolved",
        "ev_reassign": "assigned",
        "ev_autoresolve": "resolved",
    },
    "escalated_tto": {"ev_assign": "assigned"},
    "pending": {"ev_assign": "assigned", "ev_autoresolve": "resolved"},
    "resolved": {"ev_close": "closed", "ev_reopen": "assigned", "ev_autoresolve": "resolved"},
    "closed": {},
}
_INCIDENT_NEW: Final = {
    "ev_assign": "assigned",
    "ev_timeout": "escalated_tto",
    "ev_autoresolve": "resolved",
}
_CHANGE_END: Final = {
    "implemented": {"ev_monitor": "monitored", "ev_finish": "closed"},
    "monitored": {"ev_finish": "closed"},
    "closed": {},
}
_DECIDED: Final = {
    "assigned": {"ev_plan": "plannedscheduled"},
    "plannedscheduled": {"ev_approve": "approved", "ev_notapprove": "notapproved"},
    "approved": {"ev_implement": "implemented"},
    "notapproved": {"ev_replan": "plannedscheduled"},
    **_CHANGE_END,
}

LIVES: Final[dict[str, dict[str, dict[str, str]]]] = {
    "Incident": {"new": _INCIDENT_NEW, **_WORK},
    "UserRequest": {
        "new": {**_INCIDENT_NEW, "ev_wait_for_approval": "waiting_for_approval"},
        "waiting_for_approval": {"ev_approve": "approved", "ev_reject": "rejected"},
        "approved": _INCIDENT_NEW,
        "rejected": {"ev_reopen": "new"},
        **_WORK,
    },
    "Problem": {
        "new": {"ev_assign": "assigned"},
        "assigned": {"ev_reassign": "assigned", "ev_resolve": "resolved"},
        "resolved": {"ev_close": "closed", "ev_reassign": "assigned"},
        "closed": {},
    },
    "RoutineChange": {
        "new": {"ev_assign": "assigned"},
        "assigned": {"ev_plan": "plannedscheduled"},
        "plannedscheduled": {"ev_implement": "implemented"},
        **_CHANGE_END,
    },
    "NormalChange": {
        "new": {"ev_validate": "validated", "ev_reject": "rejected"},
        "validated": {"ev_assign": "assigned"},
        "rejected": {"ev_reopen": "new"},
        **_DECIDED,
    },
    "EmergencyChange": {"new": {"ev_assign": "assigned"}, **_DECIDED},
}
PREFIX: Final = {"Incident": "I", "UserRequest": "R", "Problem": "P"}
"""How refs begin; those of changes with C."""

DEMANDED: Final = {
    "pending": ("pending_reason",),
    "resolved": ("solution",),
    "validated": ("acceptance_date", "acceptance_comment"),
    "plannedscheduled": ("start_date", "end_date", "impact", "outage", "fallback"),
    "approved": ("approval_date", "approval_comment"),
    "notapproved": ("reason",),
    "rejected": ("reason",),
}
"""Target state -> the texts without which it is not entered; a key of 0 is never missed."""


def demanded(itop_class: str, state: str) -> tuple[str, ...]:
    """Return what REST demands before an object of a class comes into a state."""
    approved = itop_class == "UserRequest" and state in {"approved", "rejected"}
    unsolved = itop_class == "Problem" and state == "resolved"
    return () if approved or unsolved else DEMANDED.get(state, ())
