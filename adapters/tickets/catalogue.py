"""The service catalogue: what an item's declared fields are, and how answers are kept. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from adapters.tickets.fields import Field, Value


def fields_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """Return the fields of an item from its row."""
    return tuple(
        Field(
            **{
                **row,
                "choices": tuple((str(v), str(w)) for v, w in row.get("choices", ())),
                "classes": tuple(map(str, row.get("classes", ()))),
            }
        )
        for row in rows
    )


def cis_in(fields: Iterable[Field], answers: Mapping[str, object]) -> tuple[str, ...]:
    """Return the CIs that answers name, where a field asks for one."""
    asked = (answers.get(one.name) for one in fields if one.kind == "ci")
    return tuple(dict.fromkeys(str(ref) for ref in asked if ref))


def kept(value: Value) -> str | int | bool | None:
    """Return an answer as JSON holds it."""
    return value.isoformat() if isinstance(value, datetime) else value


def shown(value: object) -> str:
    """Return an answer as people read it."""
    if value is None:
        return "not said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)
