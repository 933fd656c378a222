"""What a person's form for a CI comes to: what the desk is to say, and no more. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters import declared
from adapters.cmdb.claims import words_of
from adapters.cmdb.declared import DeclaredCI
from adapters.cmdb.precedence import EXISTS, Stand, is_locked
from adapters.cmdb.relations import ATTRIBUTES
from adapters.declared import Fault
from adapters.json_value import JSON

LISTS: Final = ATTRIBUTES
"""Attributes that name what a CI stands on, which the form asks for one by one."""
SCALES: Final = ("impact", "urgency")
FLAGS: Final = ("user_facing", "lifeline")
DESK: Final = "desk"
WHERE_NOBODY_SPEAKS: Final[Mapping[str, JSON]] = {
    "impact": 2,
    "urgency": 2,
    "user_facing": False,
    "lifeline": False,
}
"""What holds then needs no word of the desk's."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of the form as they were left."""

    ref: str
    texts: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]
    attributes: str

    def faults_and_words(self) -> tuple[tuple[Fault, ...], dict[str, JSON]]:
        """Return what is wrong, or all that the form says of the CI, checked as an import is."""
        try:
            attributes = json.loads(self.attributes or "{}")
        except ValueError as error:
            return (Fault("form", 1, f"`attributes` is no JSON: {error}.", 'Write {"a": 1}.'),), {}
        if not isinstance(attributes, dict):
            return (Fault("form", 1, "`attributes` is no mapping.", 'Write {"a": 1}.'),), {}
        attributes |= {name: list(said) for name, said in self.lists.items() if said}
        data: dict[str, JSON] = {"ref": self.ref, "attributes": attributes}
        data |= {name: self.texts.get(name, "") for name in ("name", "class")}
        data |= {name: _scale(self.texts.get(name, "")) for name in SCALES}
        data |= {name: bool(self.texts.get(name)) for name in FLAGS}
        data |= {"host": self.texts["host"]} if self.texts.get("host") else {}
        found = declared.checked("form", data, {}, DeclaredCI)
        if found.value is None:
            return found.faults, {}
        return (), dict(words_of(found.value.row(source=DESK)))


def to_say(wanted: Mapping[str, JSON], others: Iterable[Stand]) -> dict[str, JSON]:
    """Return what of this the desk must say, where others' words stand without it.

    What others say already needs no word of the desk's, and what they say first hears none.
    """
    stands = tuple(others)
    spoken = {stand.field for stand in stands}
    said = {
        name: value
        for name, value in wanted.items()
        if name in spoken or WHERE_NOBODY_SPEAKS.get(name) != value
    } | {"managed_by": DESK}
    for stand in stands:
        if is_locked(stand) or (
            stand.held and stand.field in said and _is_same(said[stand.field], stand.counts.value)
        ):
            said.pop(stand.field, None)
        if stand.field == EXISTS:
            said.pop("managed_by", None)
            said.pop(EXISTS, None)
    return said


def _is_same(said: JSON, there: JSON) -> bool:
    """Tell whether they mean the same: one name may be written as a list of one."""
    return said == there or said == [there] or [said] == there


def _scale(text: str) -> JSON:
    return int(text) if text in {"1", "2", "3"} else text
