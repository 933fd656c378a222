"""Fields of tickets as the API takes them: passed on as sent, since the ticket reads them whole."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from adapters.tickets.fields import SCALE, Field

TYPES: dict[str, dict[str, object]] = {
    "whole": {"type": "integer"},
    "scale": {"type": "integer", "minimum": 1, "maximum": len(SCALE)},
    "moment": {"type": "string", "format": "date-time"},
    "flag": {"type": "boolean"},
}


class RawField(serializers.Field[Any, Any, Any, Any]):
    """What was sent; so that everything wrong with it is said at once, in the ticket's words."""

    def to_internal_value(self, data: Any) -> Any:
        """Pass it on."""
        return ", ".join(map(str, data)) if isinstance(data, list) else data

    def to_representation(self, value: Any) -> Any:
        """Pass it on."""
        return value

    @classmethod
    def of(cls, field: Field) -> "RawField":
        """Return one that the OpenAPI document describes as the ticket's field."""
        shown = TYPES.get(field.kind, {"type": "string", "maxLength": field.limit})
        if field.kind == "choice":
            shown = {"type": "string", "enum": [value for value, _ in field.choices]}
        made: type[RawField] = type(f"Raw{field.name}", (cls,), {})
        extend_schema_field({**shown, "description": field.label})(made)
        return made(required=False, allow_null=True)
