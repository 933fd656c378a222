"""Scoped commands: which argument vectors a pattern covers. Pure; no shell and no regex anywhere.

The gate decides by the same table in SQL (`gate.argv_covers`); the executor asks here again.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from adapters.tools import is_interpreter

ONE: Final = "?"
"""In a pattern: exactly one element that is no option."""
FROM_CI: Final = re.compile(r"\{([a-z][a-z0-9_]{0,59})\}")
"""In a pattern: exactly what the CI declares under this attribute."""
REST: Final = "*"
"""Last in a pattern: any more elements, options among them only as far as they are granted."""
MOST_ELEMENTS: Final = 64
LONGEST_ELEMENT: Final = 2000
LONGEST_ARGV: Final = 4000
"""Characters of the whole vector as JSON."""
_TOOL: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._/=:,@%+-]{1,120}")
_OPTION: Final = re.compile(r"-[A-Za-z0-9]|--[a-z0-9][a-z0-9-]{0,60}(=[A-Za-z0-9._/:,%+-]*\*?)?")
_ELEMENT: Final = re.compile(r"[ -~]+")


class BadArgvError(ValueError):
    """What is asked for is no argument vector; the text says why."""


def elements(pattern: str) -> tuple[str, ...]:
    """Return a pattern's elements, one for each element of an argument vector."""
    return tuple(pattern.split(" "))


def pattern_faults(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a pattern, and its mend."""
    tool, *rest = elements(pattern)
    if not _TOOL.fullmatch(tool):
        yield f"`{pattern}` does not begin with a tool.", "Begin with the name of a declared tool."
        return
    if is_interpreter(tool):
        yield (
            f"{tool} runs whatever its arguments say.",
            "Declare a program that does the one thing as a tool, and grant that.",
        )
    if not rest or rest[0] == REST:
        yield (
            f"`{pattern}` grants all that {tool} can do.",
            "Write out its first argument, a subcommand or an option.",
        )
    for place, element in enumerate(rest):
        if element == REST and place == len(rest) - 1:
            continue
        if element == REST:
            yield f"`{pattern}` has a * before its end.", "Write ? for exactly one element."
        elif not (element == ONE or FROM_CI.fullmatch(element) or _LITERAL.fullmatch(element)):
            yield f"`{element}` in `{pattern}` is no element.", "Part elements by one space."


def option_faults(option: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a granted option, and its mend."""
    if not _OPTION.fullmatch(option):
        yield (
            f"`{option}` is no option.",
            "Write -x, --name, --name=value, or --name=* for any value.",
        )


def read_argv(text: str) -> tuple[str, ...]:
    """Return the argument vector that a JSON text holds.

    Raises:
        BadArgvError: it is none, or an element could be taken for something else by a terminal,
            a log or a line of a file.
    """
    if len(text) > LONGEST_ARGV:
        raise BadArgvError(f"argv is longer than {LONGEST_ARGV} characters")
    try:
        found = json.loads(text)
    except ValueError as fault:
        raise BadArgvError("argv is not JSON") from fault
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BadArgvError("argv is not a list of texts")
    if not 1 <= len(found) <= MOST_ELEMENTS:
        raise BadArgvError(f"argv has {len(found)} elements, not 1 to {MOST_ELEMENTS}")
    for place, element in enumerate(found):
        if len(element) > LONGEST_ELEMENT or not _ELEMENT.fullmatch(element):
            raise BadArgvError(f"element {place} of argv is empty, too long or not plain ASCII")
    return tuple(found)


def covers(
    pattern: Sequence[str],
    options: Collection[str],
    argv: Sequence[str],
    attributes: Mapping[str, object],
) -> bool:
    """Tell whether a pattern covers an argument vector, element by element."""
    if pattern and pattern[-1] == REST:
        head = pattern[:-1]
        rest = argv[len(head) :]
        return _same(head, argv[: len(head)], attributes) and all(
            _granted(each, options) for each in rest
        )
    return _same(pattern, argv, attributes)


def covered(
    patterns: Collection[str],
    options: Collection[str],
    argv: Sequence[str],
    attributes: Mapping[str, object],
) -> bool:
    """Tell whether any of the patterns covers it, on a CI that declares these attributes."""
    return any(covers(elements(pattern), options, argv, attributes) for pattern in patterns)


def filled(look: Sequence[str], attributes: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return a look with what the CI declares in its place; None where it does not."""
    argv = [_wanted(element, attributes) for element in look]
    return None if None in argv else tuple(element for element in argv if element is not None)


def _same(pattern: Sequence[str], argv: Sequence[str], attributes: Mapping[str, object]) -> bool:
    return len(pattern) == len(argv) and all(
        is_word(given) if wanted == ONE else given == _wanted(wanted, attributes)
        for wanted, given in zip(pattern, argv, strict=True)
    )


def _wanted(element: str, attributes: Mapping[str, object]) -> str | None:
    named = FROM_CI.fullmatch(element)
    if named is None:
        return element
    value = attributes.get(named[1])
    # An owner's slip must not become an option either.
    return value if isinstance(value, str) and is_word(value) else None


def is_word(element: str) -> bool:
    """Tell whether it is no option: what begins with a dash is one to somebody, anywhere."""
    return element != "" and not element.startswith("-")


def _granted(element: str, options: Collection[str]) -> bool:
    return is_word(element) or any(
        element.startswith(option[:-1]) if option.endswith("=*") else element == option
        for option in options
    )
