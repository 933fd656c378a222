"""The service catalogue as a site file declares it."""

import re
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator
from pydantic import Field as Limits

from adapters.declared import Declaration, refusal
from adapters.tickets.fields import Field
from adapters.tickets.form_fields import NAME, SLUG
from adapters.tickets.items import RequestModel

Title = Annotated[str, Limits(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Line = Annotated[str, Limits(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Slug = Annotated[str, Limits(pattern=f"^{SLUG}$", max_length=64)]
Name = Annotated[str, Limits(pattern=r"^(?:[a-z][a-z0-9_]{0,59})?$")]
"""Of a card or an entry; empty for none."""
Scale = Annotated[int, Limits(ge=1, le=3)]


class DeclaredField(Declaration):
    """One thing that a requester is asked."""

    name: Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    label: Title
    kind: Literal["line", "text", "whole", "choice", "moment", "flag", "ci"] = "line"
    required: bool = False
    choices: Annotated[tuple[Title, ...], Limits(max_length=50)] = ()
    longest: Annotated[int, Limits(ge=1, le=20_000)] | None = None
    least: int | None = None
    most: int | None = None
    pattern: Line = ""
    help: Line = ""
    classes: Annotated[tuple[Slug, ...], Limits(max_length=20)] = ()

    @model_validator(mode="after")
    def _fits(self) -> "DeclaredField":
        if self.name == "requester":
            raise refusal("Every request has a requester.", "Give this field another name.")
        if (self.kind == "choice") != bool(self.choices):
            raise refusal("A choice has `choices`, and nothing else does.", "Give them, or not.")
        if (self.kind == "ci") != bool(self.classes):
            raise refusal("A CI has `classes`, and nothing else does.", "Give them, or not.")
        if (self.least is not None or self.most is not None) and self.kind != "whole":
            raise refusal("Only a whole number has `least` and `most`.", "Leave them out.")
        if self.pattern and (self.kind != "line" or not _compiles(self.pattern)):
            raise refusal(
                "A pattern is a regular expression, of a line.", "Mend it, or leave it out."
            )
        return self

    def row(self) -> dict[str, object]:
        """Return it as its row holds it."""
        made = Field(
            self.name, self.label, self.kind, self.required, self.longest or 0,
            tuple((one, one) for one in self.choices), self.least, self.most, self.pattern,
            self.help, self.classes,
        )  # fmt: skip
        return asdict(made) | {
            "choices": [list(pair) for pair in made.choices],
            "classes": list(made.classes),
        }


class DeclaredStep(Declaration):
    """One step of fulfilling a request; an agent does what names an entry of the catalogue."""

    title: Title
    entry: Name = ""


def _titled(said: object) -> object:
    """Let a step that only people do be written as its title alone."""
    return {"title": said} if isinstance(said, str) else said


class DeclaredRequestModel(Declaration):
    """One item of the service catalogue: what is asked, who approves, and what is then done."""

    slug: Slug
    title: Title
    description: Annotated[str, Limits(max_length=2000)] = ""
    service: Annotated[str, Limits(pattern=f"^(?:{SLUG})?$", max_length=64)] = ""
    team: Annotated[str, Limits(pattern=f"^{NAME}$")] = "people"
    approver: Annotated[Line, Limits(max_length=150)] = ""
    """A group of people; without one nobody has to approve."""
    impact: Scale = 3
    urgency: Scale = 3
    fields: Annotated[tuple[DeclaredField, ...], Limits(max_length=30)] = ()
    steps: Annotated[
        tuple[Annotated[DeclaredStep, BeforeValidator(_titled)], ...], Limits(max_length=30)
    ] = ()
    card: Name = ""
    """Whose runs do the steps that name an entry; without one people do them all."""

    @model_validator(mode="after")
    def _named_once(self) -> "DeclaredRequestModel":
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise refusal("Two fields have one name.", "Give each its own.")
        return self

    @model_validator(mode="after")
    def _fulfilled(self) -> "DeclaredRequestModel":
        entries = [step.entry for step in self.steps if step.entry]
        if bool(entries) != bool(self.card):
            raise refusal(
                "A card does the steps that name an entry, and nothing else.",
                "Give `card` and `entry`, or neither.",
            )
        if len(set(entries)) < len(entries):
            raise refusal("Two steps name one entry.", "Do it once, or in another request.")
        if entries and [one.required for one in self.fields if one.kind == "ci"] != [True]:
            raise refusal(
                "An entry is run on the one CI that the form names.",
                "Give one field of kind `ci` that is `required`.",
            )
        return self

    def row(self) -> RequestModel:
        """Return the port's value of this declaration."""
        return RequestModel(
            self.slug, self.title, self.description, self.service, self.team, self.approver,
            self.impact, self.urgency, tuple(field.row() for field in self.fields),
            tuple(step.title for step in self.steps), self.card,
            tuple(step.entry for step in self.steps),
        )  # fmt: skip


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
