"""What a site declares of its iTop: fields that its own model demands and ours does not write."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from adapters.declared import Declaration, refusal
from adapters.tickets.itop import words

CREATE: Final = "create"
OURS: Final = frozenset(
    {"id", "ref", "status", "operational_status", "finalclass", "friendlyname", "last_update"}
    | {"title", "description", "org_id", "impact", "urgency", "priority", "reason", "solution"}
    | {"private_log", "public_log", "team_id", "agent_id", "pending_reason", "start_date"}
    | {"end_date", "acceptance_date", "acceptance_comment", "approval_date", "approval_comment"}
    | {"functionalcis_list", "contacts_list", "parent_incident_id", "parent_problem_id"}
    | {"parent_change_id", "related_change_id"}
)
"""What ethops writes by what happened: no constant of a site's takes its place."""

Attribute = Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9_]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Criteria = Annotated[dict[Attribute, Text], Field(min_length=1, max_length=5)]
Value = Text | Annotated[int, Field(ge=0, lt=2**31)] | Criteria


class DeclaredFields(Declaration):
    """What is written when an object of a class is made, or brought into a state."""

    itop_class: Annotated[
        Literal[
            "Incident", "UserRequest", "Problem", "RoutineChange", "NormalChange", "EmergencyChange"
        ],
        Field(alias="class"),
    ]
    at: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]
    """`create`, or a state of iTop's."""
    values: Annotated[dict[Attribute, Value], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _fits(self) -> "DeclaredFields":
        states = words.STATES[self.itop_class]
        if self.at != CREATE and self.at not in states:
            raise refusal(
                f"A {self.itop_class} of ours is never {self.at}.",
                f"Say {CREATE}, or one of {', '.join(states)}.",
            )
        own = sorted(set(self.values) & OURS)
        if own:
            raise refusal(
                f"ethops itself writes {', '.join(own)}, by what happened.", "Leave that out."
            )
        return self


class DeclaredItop(Declaration):
    """The iTop of a site, as far as it is not as iTop comes."""

    fields: Annotated[tuple[DeclaredFields, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _once(self) -> "DeclaredItop":
        seen = [(one.itop_class, one.at) for one in self.fields]
        twice = sorted({f"{of} {at}" for of, at in seen if seen.count((of, at)) > 1})
        if twice:
            raise refusal(f"There is a second {', '.join(twice)}.", "Write them as one.")
        return self
