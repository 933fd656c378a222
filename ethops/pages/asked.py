"""Fields of a form as a page shows them: what stands in each, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from adapters.tickets.fields import SCALE, Field
from ethops.api import acts
from personas.approvals import queries

CODE: Final = "code"
"""The field of the second factor; what was typed there is never shown again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of a form."""

    name: str
    label: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...]
    help: str
    fault: str
    required: bool
    limit: int


def asked(
    fields: Iterable[Field],
    said: Mapping[str, object],
    faults: Mapping[str, Iterable[str]] | None = None,
    required: Iterable[str] = (),
) -> list[Asked]:
    """Return the fields with what was said in them, and their faults."""
    return [
        Asked(
            name=field.name,
            label=field.label,
            kind=field.kind,
            value=shown(said.get(field.name)),
            choices=SCALE if field.kind == "scale" else field.choices,
            help=field.help,
            fault=" ".join((faults or {}).get(field.name, ())),
            required=field.required or field.name in required,
            limit=field.limit,
        )
        for field in fields
    ]


def code_asked(person: str, stimulus: str, faults: Mapping[str, Iterable[str]]) -> list[Asked]:
    """Return the field of the second factor, where a move asks a person for it."""
    if not acts.asks_code(person, stimulus):
        return []
    enrol = f"You have none yet: `manage.py factor enrol {person}` on the host takes a minute."
    return [
        Asked(
            name=CODE,
            label="Code of your second factor",
            kind="code",
            value="",
            choices=(),
            help="" if queries.has_factor(person) else enrol,
            fault=" ".join(faults.get(CODE, ())),
            required=True,
            limit=6,
        )
    ]


def shown(value: object) -> str:
    """Return a value as it stands in an input."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)
