"""Declared YAML files, read safely into a pydantic model or into faults with file and line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from adapters.json_value import JSON
from adapters.yaml_tree import USUAL, Limits, Loc, RefusalError, load


class Declaration(BaseModel):
    """The base of every declared model: no unknown key, no silent conversion, no change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a declared file, where it stands, and how to mend it."""

    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        """Return the fault as one line that an editor can jump to."""
        return f"{self.file}:{self.line}: {self.what} {self.mend}"


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A file's model and where its values stand, or no model and its faults."""

    file: str
    value: T | None
    faults: tuple[Fault, ...]
    lines: Mapping[Loc, int] = field(default_factory=dict)

    def line(self, *loc: str | int) -> int:
        """Return the line of a value, or of the nearest thing around it that has one."""
        return _line(self.lines, loc)

    def fault(self, loc: Loc, what: str, mend: str) -> Fault:
        """Return a fault of this file at a place, for what one model alone cannot see."""
        return Fault(self.file, _line(self.lines, loc), what, mend)


def read(path: Path, model: type[T], *, limits: Limits = USUAL) -> Read[T]:
    """Read a YAML file into the model; every fault carries its line and a mend."""
    file = str(path)
    try:
        data, lines = load(path, limits)
    except RefusalError as refusal:
        return Read(file, None, (Fault(file, refusal.line, refusal.what, refusal.mend),))
    return checked(file, data, lines, model)


def checked(file: str, data: JSON, lines: Mapping[Loc, int], model: type[T]) -> Read[T]:
    """Check values that were read from a file, in whatever way, against the model."""
    try:
        value = model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        errors = error.errors()
        found = [
            _explain(file, lines, data, details)
            for details in errors
            if not _follows(details, errors)
        ]
        return Read(file, None, tuple(sorted(found, key=lambda fault: fault.line)), lines)
    return Read(file, value, (), lines)


def refusal(what: str, mend: str) -> PydanticCustomError:
    """Return the error a model's validator raises, so that the fault carries its own mend."""
    return PydanticCustomError("refusal", "{what}", {"what": what, "mend": mend})


_Mends: TypeAlias = Mapping[str, str]
_MENDS: _Mends = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it or correct its spelling; the keys known here are documented.",
    "refusal": "{mend}",
    "literal_error": "Write one of {expected}.",
    "union_tag_invalid": "Write one of {expected_tags}.",
    "union_tag_not_found": "Add the key {discriminator}.",
    "string_type": "Write text; put it in quotes if it looks like a number.",
    "int_type": "Write a whole number without quotes.",
    "float_type": "Write a number without quotes.",
    "bool_type": "Write true or false.",
    "string_pattern_mismatch": "Write text that matches {pattern}.",
    "string_too_long": "Write at most {max_length} characters.",
    "string_too_short": "Write at least {min_length} characters.",
    "greater_than": "Write a number above {gt}.",
    "greater_than_equal": "Write {ge} or more.",
    "less_than_equal": "Write {le} or less.",
    "too_short": "Give at least {min_length}.",
    "too_long": "Give at most {max_length}.",
    "model_type": "Write a mapping of keys to values.",
    "tuple_type": "Write a list.",
    "dict_type": "Write a mapping of keys to values.",
}


def _follows(details: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Tell whether a list is only too short because what is in it has faults of its own."""
    loc = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
    )


def _explain(file: str, lines: Mapping[Loc, int], data: JSON, details: ErrorDetails) -> Fault:
    kind, ctx = details["type"], details.get("ctx", {})
    loc = _existing(data, details["loc"], keep_last=kind in {"missing", "extra_forbidden"})
    name = _dotted(loc) or "the file"
    what = {
        "missing": f"`{name}` is missing.",
        "extra_forbidden": f"`{name}` is not a known key.",
    }.get(kind, f"`{name}`: {details['msg'].rstrip('.')}.")
    mend = _MENDS.get(kind, "Correct the value.").format_map(ctx)
    return Fault(file, _line(lines, loc), what, mend)


def _existing(data: JSON, loc: Loc, *, keep_last: bool) -> Loc:
    """Drop the parts of pydantic's place that name a union's branch and not a key."""
    kept: list[str | int] = []
    here = data
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        found, inner = _within(here, part)
        if not found and not (keep_last and last):
            continue
        here = inner
        kept.append(part)
    return tuple(kept)


def _within(here: JSON, part: str | int) -> tuple[bool, JSON]:
    """Return whether a value has such a part, and the part; it stays where it has not."""
    if isinstance(here, dict) and part in here:
        return True, here[str(part)]
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return True, here[part]
    return False, here


def _line(lines: Mapping[Loc, int], loc: Loc) -> int:
    for end in range(len(loc), -1, -1):
        if loc[:end] in lines:
            return lines[loc[:end]]
    return 1


def _dotted(loc: Loc) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")
