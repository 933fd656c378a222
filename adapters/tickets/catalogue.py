"""The service catalogue: what an item's declared fields are, and how answers are kept. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from adapters.tickets.fields import Field, Value


def fields_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """Return the fields of an item from its row."""
    return tuple(
        Field(**{**row, "choices": tuple((str(v), str(w)) for v, w in row.get("choices", ()))})
        for row in rows
    )


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
