"""Hosts, CIs and join rules as a site file declares them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from adapters.cmdb import port as cmdb
from adapters.declared import Declaration, refusal

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$", max_length=64)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/@+-]{1,200}$")]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,127}$")]
Scale = Annotated[int, Field(ge=1, le=3)]
CIField = Literal["ref", "name", "ci_class", "host"]


def _single_line(text: str) -> str:
    if any(not char.isprintable() for char in text):
        raise refusal("Holds a control character or a line break.", "Write one plain line.")
    return text


Title = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_single_line)]


OPTIONAL = frozenset({"impact", "urgency", "user_facing", "lifeline"})
"""Fields of a CI of which a declaration may say nothing."""


class DeclaredHost(Declaration):
    """A host that playbooks may reach, as `local` or by ssh."""

    name: Slug
    connection: Literal["local", "ssh"] = "local"
    address: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    user: Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_.-]*$")] = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    python: Annotated[str, Field(max_length=200, pattern=r"^(?:/[A-Za-z0-9_./-]+)?$")] = ""

    @model_validator(mode="after")
    def _reachable(self) -> "DeclaredHost":
        if self.connection == "ssh" and not self.address:
            raise refusal("An ssh host has no address.", "Add `address`.")
        return self

    def row(self) -> cmdb.Host:
        """Return the port's value of this declaration."""
        return cmdb.Host(
            self.name, self.connection, self.address, self.user, self.port, self.python
        )


class DeclaredCI(Declaration):
    """A configuration item; its attributes are the only source of playbook arguments."""

    ref: Slug
    name: Title
    ci_class: Annotated[Slug, Field(alias="class")]
    attributes: dict[LabelName, JsonValue] = {}
    impact: Scale = 2
    urgency: Scale = 2
    user_facing: bool = False
    lifeline: bool = False
    host: Slug | None = None

    def row(self, *, source: str) -> cmdb.CI:
        """Return the port's value of this declaration."""
        return cmdb.CI(
            ref=self.ref,
            name=self.name,
            ci_class=self.ci_class,
            attributes=self.attributes,
            impact=self.impact,
            urgency=self.urgency,
            user_facing=self.user_facing,
            lifeline=self.lifeline,
            host=self.host or "",
            source=source,
            managed_by="declaration",
            unsaid=OPTIONAL - self.model_fields_set,
        )


class DeclaredCondition(Declaration):
    """One equality of a join rule: a label against a field, or against an attribute."""

    label: LabelName
    field: CIField | None = None
    attribute: LabelName | None = None

    @model_validator(mode="after")
    def _one_side(self) -> "DeclaredCondition":
        if (self.field is None) == (self.attribute is None):
            raise refusal(
                "A match names not exactly one of `field` and `attribute`.",
                "Keep one: `field` is ref, name, ci_class or host; `attribute` one of a CI's own.",
            )
        return self

    def row(self) -> cmdb.Condition:
        """Return the port's value of this declaration."""
        if self.attribute is not None:
            return cmdb.Condition(self.label, self.attribute, attribute=True)
        return cmdb.Condition(self.label, self.field or "ref")


class DeclaredJoinRule(Declaration):
    """A rule names a CI where all of its matches hold."""

    name: Slug
    match: Annotated[tuple[DeclaredCondition, ...], Field(min_length=1, max_length=8)]

    def row(self) -> cmdb.JoinRule:
        """Return the port's value of this declaration."""
        return cmdb.JoinRule(self.name, tuple(condition.row() for condition in self.match))


DEFAULT_JOIN_RULES = (cmdb.JoinRule("ci-label", (cmdb.Condition("ci", "ref"),)),)
"""Used where a site declares none: the label the embedded monitoring sets."""
