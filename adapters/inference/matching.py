"""Whether a condition holds for a fact, and how that is said: pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from adapters.inference.rules import MISSING, Fact, Matcher, Rule, look_up
from adapters.json_value import JSON
from adapters.text import one_line

SHOWN: Final = 120
"""Characters of a value that are shown in a reason."""


def holds(rule: Rule, facts: Mapping[str, JSON]) -> bool:
    """Tell whether every condition of the rule holds."""
    return all(_matches(matcher, facts, path) for path, matcher in rule.when.items())


def reasons(rule: Rule, facts: Mapping[str, JSON]) -> tuple[str, ...]:
    """Return each condition in words, with the value seen."""
    return tuple(_reason(path, matcher, facts) for path, matcher in rule.when.items())


def shown(value: object) -> str:
    """Return a value as short plain text."""
    if value is MISSING:
        return "unknown"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return one_line(", ".join(map(shown, value)) or "an empty list", SHOWN)
    return one_line(str(value), SHOWN)


def _matches(matcher: Matcher, facts: Mapping[str, JSON], path: str) -> bool:
    value = look_up(facts, path)
    known = value is not MISSING and value is not None
    asked = matcher.model_fields_set
    if "exists" in asked and matcher.exists is not known:
        return False
    others = asked - {"exists"}
    return not others or (known and all(_TESTS[name](matcher, value, facts) for name in others))


def _same(value: object, wanted: object) -> bool:
    """Compare without taking true for 1."""
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted


def _is_in(matcher: Matcher, value: object, _facts: Mapping[str, JSON]) -> bool:
    return any(_same(value, wanted) for wanted in matcher.in_ or ())


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _bound(bound: object, facts: Mapping[str, JSON]) -> float | None:
    return _number(look_up(facts, bound.fact) if isinstance(bound, Fact) else bound)


def _at_least(matcher: Matcher, value: object, facts: Mapping[str, JSON]) -> bool:
    seen, bound = _number(value), _bound(matcher.gte, facts)
    return seen is not None and bound is not None and seen >= bound


def _at_most(matcher: Matcher, value: object, facts: Mapping[str, JSON]) -> bool:
    seen, bound = _number(value), _bound(matcher.lte, facts)
    return seen is not None and bound is not None and seen <= bound


def _like(matcher: Matcher, value: object, _facts: Mapping[str, JSON]) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(matcher.matches or "", value[:2000]))


def _has(matcher: Matcher, value: object, _facts: Mapping[str, JSON]) -> bool:
    return isinstance(value, list | tuple) and any(_same(item, matcher.has) for item in value)


def _lacks(matcher: Matcher, value: object, _facts: Mapping[str, JSON]) -> bool:
    return isinstance(value, list | tuple) and not any(_same(item, matcher.lacks) for item in value)


_TESTS: Final[Mapping[str, Callable[[Matcher, object, Mapping[str, JSON]], bool]]] = {
    "eq": lambda matcher, value, _facts: _same(value, matcher.eq),
    "ne": lambda matcher, value, _facts: not _same(value, matcher.ne),
    "in_": _is_in,
    "gte": _at_least,
    "lte": _at_most,
    "matches": _like,
    "has": _has,
    "lacks": _lacks,
}


def _reason(path: str, matcher: Matcher, facts: Mapping[str, JSON]) -> str:
    """Return one condition as it was met; what was asked stands in brackets where it adds to it."""
    asked = matcher.model_fields_set
    if "has" in asked:
        return f"{shown(matcher.has)} is among {path}"
    if "lacks" in asked:
        return f"{shown(matcher.lacks)} is not among {path}"
    words = {
        "ne": f"not {shown(matcher.ne)}",
        "gte": f"at least {_bound_words(matcher.gte)}",
        "lte": f"at most {_bound_words(matcher.lte)}",
    }
    said = ", ".join(text for name, text in words.items() if name in asked)
    return f"{path} is {shown(look_up(facts, path))}" + (f" ({said})" if said else "")


def _bound_words(bound: object) -> str:
    return bound.fact if isinstance(bound, Fact) else shown(bound)
