"""A declared CI as its source's words, field by field, and back. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from adapters.cmdb.port import CI
from adapters.cmdb.precedence import ATTRIBUTE, EXISTS
from adapters.json_value import JSON

Words: TypeAlias = Mapping[str, JSON]
"""Field -> value, of one CI by one source."""

FIELDS: Final = (
    *("name", "ci_class", "impact", "urgency", "user_facing", "lifeline", "managed_by"),
)


def words_of(ci: CI) -> dict[str, JSON]:
    """Return what a declaration says of a CI."""
    said: dict[str, JSON] = {EXISTS: True}
    said |= {name: getattr(ci, name) for name in FIELDS if name not in ci.unsaid}
    if ci.host:
        said["host"] = ci.host
    return said | {f"{ATTRIBUTE}{name}": value for name, value in ci.attributes.items()}


def said(cis: Iterable[CI]) -> Iterator[dict[str, JSON]]:
    """Return the words of many CIs as the database takes them."""
    for ci in cis:
        for field, value in words_of(ci).items():
            yield {"ref": ci.ref, "field": field, "value": value}
