"""Our words for tickets and iTop's: classes, states, scales, and which log a line goes to. Pure."""

from collections.abc import Mapping
from typing import Final

from adapters.tickets.port import Change, Details, TicketClass

CLASSES: Final[Mapping[tuple[TicketClass, str], str]] = {
    ("incident", ""): "Incident",
    ("request", "plain"): "UserRequest",
    ("request", "with_approver"): "UserRequest",
    ("problem", ""): "Problem",
    ("change", "standard"): "RoutineChange",
    ("change", "normal"): "NormalChange",
    ("change", "emergency"): "EmergencyChange",
}
"""(class, variant) -> iTop's class: both of them abstract ones are never written to."""

_WORK: Final = {
    "new": "new",
    "escalated_tto": "new",
    "assigned": "assigned",
    "escalated_ttr": "assigned",
    "pending": "pending",
    "resolved": "resolved",
    "closed": "closed",
}
_CHANGE: Final = {
    "new": "new",
    "validated": "validated",
    "rejected": "rejected",
    "assigned": "assigned",
    "plannedscheduled": "planned",
    "approved": "approved",
    "notapproved": "notapproved",
    "implemented": "implemented",
    "monitored": "monitored",
    "closed": "closed",
}
STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "Incident": _WORK,
    "UserRequest": {
        **_WORK,
        "waiting_for_approval": "waiting_for_approval",
        "approved": "approved",
        "rejected": "rejected",
    },
    "Problem": {"new": "new", "assigned": "assigned", "resolved": "resolved", "closed": "closed"},
    "RoutineChange": _CHANGE,
    "NormalChange": _CHANGE,
    "EmergencyChange": _CHANGE,
}
"""iTop's class -> its state -> ours; `escalated`, `implementing` and `failed` are ours alone."""

WITHOUT_PUBLIC_LOG: Final = frozenset(
    {"Problem", "RoutineChange", "NormalChange", "EmergencyChange"}
)
"""Classes that have a private log only; what we call public goes there."""

CHANGES: Final = frozenset({"RoutineChange", "NormalChange", "EmergencyChange"})
"""Classes whose impact is a text, and that have no urgency."""

URGENCY: Final[Mapping[int, int]] = {1: 2, 2: 3, 3: 4}
"""Ours -> iTop's, whose 1 is a fourth level above our highest."""

SEEN_AS: Final[Mapping[str, int]] = {"1": 1, "2": 1, "3": 2, "4": 3}
"""iTop's urgency -> ours."""

AGENT: Final = "agent_id_friendlyname"
"""Whose it is, in full: `agent_name` is a last name alone, which two may have."""

_ALWAYS: Final = (
    *("id", "ref", "status", "title", "description", "org_id", "team_id", "team_name"),
    *("agent_id", AGENT, "last_update", "private_log"),
)
_SERVED: Final = (
    *("public_log", "impact", "urgency", "solution", "pending_reason"),
    *("tto_escalation_deadline", "ttr_escalation_deadline", "sla_tto_passed", "sla_ttr_passed"),
)
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Incident": (*_ALWAYS, *_SERVED),
    "UserRequest": (*_ALWAYS, *_SERVED),
    "Problem": (*_ALWAYS, "impact", "urgency"),
    **dict.fromkeys(CHANGES, (*_ALWAYS, "start_date", "end_date")),
}
"""What is read of an object; never all: that costs seventy times as much."""


def class_of(ticket_class: TicketClass, details: Details | None, variant: str) -> str:
    """Return iTop's class for one of our tickets."""
    kind = details.change_type if isinstance(details, Change) else variant
    return CLASSES[ticket_class, kind]


def urgency_of(impact: int, urgency: int) -> int:
    """Return iTop's urgency, which with the impact makes the priority that is nearest to ours."""
    return 1 if (impact, urgency) == (1, 1) else URGENCY[urgency]


def log_of(itop_class: str, visibility: str) -> str:
    """Return the log that a line of this visibility goes to."""
    public = visibility == "public" and itop_class not in WITHOUT_PUBLIC_LOG
    return "public_log" if public else "private_log"


def logs_of(itop_class: str) -> tuple[str, ...]:
    """Return the logs that a class has."""
    own = itop_class in WITHOUT_PUBLIC_LOG
    return ("private_log",) if own else ("public_log", "private_log")


def state_after(itop_class: str, before: str, now: str, ours: str) -> str:
    """Return our state, once iTop's has become this: ours stays where iTop's says nothing new.

    A state of iTop's that a site has added says nothing to us.
    """
    known = STATES[itop_class]
    if now not in known or known.get(before) == known[now]:
        return ours
    return known[now]
