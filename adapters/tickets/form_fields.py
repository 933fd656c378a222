"""The fields that a ticket has for people to fill in: by name, with their kinds and words. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from adapters.tickets.fields import CI_REF, Field

NAME: Final = r"[a-z][a-z0-9_-]{0,59}"
SLUG: Final = CI_REF
PENDING_REASONS: Final = (
    ("requester", "waits for the requester"),
    ("supplier", "waits for a supplier"),
    ("change", "waits for a change"),
    ("window", "waits for its window"),
)
CHANGE_TYPES: Final = (("standard", "standard"), ("normal", "normal"), ("emergency", "emergency"))
OUTCOMES: Final = (("failed", "failed"), ("backed_out", "failed and backed out"))

_ALL: Final = (
    Field("title", "What it is about"),
    Field("description", "Details", "text"),
    Field("impact", "Impact", "scale", help="How much is hit."),
    Field("urgency", "Urgency", "scale", help="How soon it must be well."),
    Field(
        "requester", "Asked by", longest=150, help="Whose wish it is; you, where nobody is named."
    ),
    Field(
        "service",
        "Service",
        longest=64,
        pattern=SLUG,
        help="The name of a service: small letters, digits, dots, - and _.",
    ),
    Field("cis", "CIs", help="Refs of CIs, with commas between them."),
    Field("incidents", "Incidents", help="Refs of incidents, with commas between them."),
    Field(
        "team",
        "Team",
        longest=60,
        pattern=NAME,
        help="The name of a team: small letters, digits, - and _, such as people.",
    ),
    Field("assignee", "Person", longest=150),
    Field("solution", "What solved it", "text"),
    Field("pending_reason", "Why it waits", "choice", choices=PENDING_REASONS),
    Field("workaround", "Workaround", "text", help="What helps until the cause is gone."),
    Field("root_cause", "Root cause", "text"),
    Field("change_type", "Type of change", "choice", choices=CHANGE_TYPES),
    Field("reason", "Why it is to be changed", "text"),
    Field("planned_start", "Begins", "moment", help="Day and time, UTC unless said."),
    Field("planned_end", "Is over", "moment", help="Day and time, UTC unless said."),
    Field("implementer", "Who does it", longest=150),
    Field(
        "backout", "The way back", "text", help="How to undo it, and how one sees that one must."
    ),
    Field("outcome", "What came of it", "choice", choices=OUTCOMES),
    Field("decision", "Why", "text", longest=2000),
)
FIELDS: Final[Mapping[str, Field]] = MappingProxyType({field.name: field for field in _ALL})
"""Name -> field."""

FILED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "incident": ("title", "description", "impact", "urgency", "requester", "service", "cis"),
        "problem": (
            "title", "description", "impact", "urgency", "service", "cis", "incidents",
            "workaround",
        ),
        "change": (
            "title", "change_type", "reason", "description", "impact", "urgency", "requester",
            "service", "cis", "incidents", "planned_start", "planned_end", "implementer", "backout",
        ),
        "request": ("requester",),
    }
)  # fmt: skip
"""Class -> what a form for a new ticket asks, in this order; a request's model asks the rest."""

REQUIRED: Final = frozenset({"title", "impact", "urgency", "change_type", "reason"})
"""What no new ticket that asks for it may leave out."""


def filed(ticket_class: str) -> tuple[Field, ...]:
    """Return the fields of a form for a new ticket."""
    return tuple(replace(FIELDS[name], required=name in REQUIRED) for name in FILED[ticket_class])
