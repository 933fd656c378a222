"""Fields of a form as a page shows them: what stands in each, and what is wrong with it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.tickets.fields import SCALE, Field


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


def shown(value: object) -> str:
    """Return a value as it stands in an input."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)
