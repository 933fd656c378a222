"""What a form may ask: fields with kinds, read and refused in plain words. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from adapters.text import one_line, plain

Kind: TypeAlias = Literal["line", "text", "whole", "scale", "choice", "moment", "flag", "ci"]
Value: TypeAlias = str | int | bool | datetime | None

LINE: Final = 200
TEXT: Final = 20_000
SCALE: Final = (("1", "high"), ("2", "medium"), ("3", "low"))
YES: Final = frozenset({"true", "yes", "on", "1"})
CI_REF: Final = r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?"
NO: Final = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what it is called, and what may stand in it."""

    name: str
    label: str
    kind: Kind = "line"
    required: bool = False
    longest: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    least: int | None = None
    most: int | None = None
    pattern: str = ""
    help: str = ""
    classes: tuple[str, ...] = ()
    """Of a CI: the classes that it may be of; that it is there, the desk's door looks."""

    @property
    def limit(self) -> int:
        """How many characters it holds at most."""
        return self.longest or (TEXT if self.kind == "text" else LINE)


class Unfit(ValueError):  # noqa: N818 - says what stands in a field, not what broke
    """What was given does not fit the field; the message stands beside it."""


def read_all(
    fields: Iterable[Field], given: Mapping[str, object]
) -> tuple[dict[str, Value], dict[str, str]]:
    """Return every value that fits, and for every other field what is wrong with it."""
    values: dict[str, Value] = {}
    faults: dict[str, str] = {}
    known = {field.name: field for field in fields}
    for name in given.keys() - known.keys():
        faults[name] = "There is no such field here."
    for name, field in known.items():
        try:
            value = read(field, given.get(name))
        except Unfit as fault:
            faults[name] = str(fault)
            continue
        if value is None and field.required:
            faults[name] = missing(field)
        elif name in given:
            values[name] = value
    return values, faults


def read(field: Field, raw: object) -> Value:
    """Return what was given as the field's kind has it; None where nothing was.

    Raises:
        Unfit: it cannot be that.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    return _READERS[field.kind](field, raw)


def missing(field: Field) -> str:
    """Say that a field must not be left empty."""
    if field.kind in {"choice", "scale"}:
        return f"Choose one: {_words(field)}."
    return f"Say it here: {field.label[:1].lower()}{field.label[1:]}."


def _line(field: Field, raw: object) -> Value:
    text = _text(raw)
    if "\n" in text.strip():
        raise Unfit("Write one line.")
    fit = _within(field, one_line(text, len(text) + 1))
    if field.pattern and not re.fullmatch(field.pattern, fit):
        raise Unfit(field.help or "This is not written as it must be.")
    return fit or None


def _lines(field: Field, raw: object) -> Value:
    text = _text(raw)
    return _within(field, plain(text, len(text) + 1)) or None


def _whole(field: Field, raw: object) -> Value:
    text = str(raw).strip() if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", text, re.ASCII):
        raise Unfit(f"Write a whole number{_range(field)}.")
    number = int(text)
    below = field.least is not None and number < field.least
    if below or (field.most is not None and number > field.most):
        raise Unfit(f"Write a whole number{_range(field)}; this is {number}.")
    return number


def _scale(field: Field, raw: object) -> Value:
    return int(str(_choice(field, str(raw) if isinstance(raw, int) else raw)))


def _choice(field: Field, raw: object) -> Value:
    if not isinstance(raw, str) or raw not in dict(_choices(field)):
        raise Unfit(f"Choose one: {_words(field)}.")
    return raw


def _moment(field: Field, raw: object) -> Value:
    del field
    if isinstance(raw, datetime):
        return raw if raw.tzinfo else raw.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(str(raw).strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit("Write a day and time, such as 2026-03-02 14:30; UTC unless said.") from None
    if not 2000 <= found.year < 2100:
        raise Unfit("Write a day between the years 2000 and 2100.")
    return found


def _ci(field: Field, raw: object) -> Value:
    text = _text(raw).strip()
    if not re.fullmatch(CI_REF, text, re.ASCII):
        raise Unfit(f"Write the ref of one {' or '.join(field.classes)}, such as web-01.")
    return text


def _flag(field: Field, raw: object) -> Value:
    del field
    word = str(raw).strip().lower()
    if word not in YES | NO:
        raise Unfit("Say yes or no.")
    return word in YES


_READERS: Final = {
    "line": _line,
    "text": _lines,
    "whole": _whole,
    "scale": _scale,
    "choice": _choice,
    "moment": _moment,
    "flag": _flag,
    "ci": _ci,
}


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise Unfit("Write text.")
    return raw


def _within(field: Field, text: str) -> str:
    if len(text) > field.limit:
        raise Unfit(f"At most {field.limit} characters; these are {len(text)}.")
    return text


def _choices(field: Field) -> tuple[tuple[str, str], ...]:
    return SCALE if field.kind == "scale" else field.choices


def _words(field: Field) -> str:
    return ", ".join(
        value if value == word else f"{value} ({word})" for value, word in _choices(field)
    )


def _range(field: Field) -> str:
    if field.least is not None and field.most is not None:
        return f" from {field.least} to {field.most}"
    if field.least is not None:
        return f", at least {field.least}"
    return f", at most {field.most}" if field.most is not None else ""
