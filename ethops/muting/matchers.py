"""Which alerts of an Alertmanager a window silences: the join rules, read backwards. Pure.

Only what the rules would join to a covered CI and to no other is silenced: a label that stands for
others too is left alone. What keeps telling that the monitor lives is never silenced.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final, TypeAlias

from adapters.cmdb import joins
from adapters.cmdb.port import CI, JoinRule

Matcher: TypeAlias = dict[str, str | bool]
"""As Alertmanager's API takes it: name, value, isRegex, isEqual."""

ALTERNATIVES: Final = 50
MOST_SILENCES: Final = 100
"""Of one window at one Alertmanager; what is beyond is held back by the window itself alone."""
_SPECIAL: Final = frozenset("\\.+*?()|[]{}^$")


def everything(watchdogs: Collection[str]) -> list[list[Matcher]]:
    """Return the one silence of a window over everything, but what tells that a monitor lives."""
    return [[_regex("alertname", ".+"), *_but(watchdogs)]]


def of_group(group: Mapping[str, str], watchdogs: Collection[str]) -> list[list[Matcher]]:
    """Return the one silence of a window over a group of labels."""
    return [[*(_equal(name, group[name]) for name in sorted(group)), *_but(watchdogs)]]


def of_cis(
    covered: Collection[str],
    cis: Iterable[CI],
    rules: Sequence[JoinRule],
    watchdogs: Collection[str],
) -> list[list[Matcher]]:
    """Return the silences over CIs, several values of one label in one."""
    known = list(cis)
    found: list[list[Matcher]] = []
    for rule in rules:
        found += [[*one, *_but(watchdogs)] for one in _by_rule(rule, covered, known)]
    return found[:MOST_SILENCES]


def _by_rule(
    rule: JoinRule, covered: Collection[str], known: Sequence[CI]
) -> Iterator[list[Matcher]]:
    meant: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for ci in known:
        for said in product(*(joins.values(condition, ci) for condition in rule.conditions)):
            if all(said):
                meant[said].add(ci.ref)
    names = [condition.label for condition in rule.conditions]
    fit = sorted(values for values, refs in meant.items() if refs <= set(covered))
    if len(names) > 1:
        for values in fit:
            yield [_equal(name, value) for name, value in zip(names, values, strict=True)]
        return
    for begin in range(0, len(fit), ALTERNATIVES):
        part = [values[0] for values in fit[begin : begin + ALTERNATIVES]]
        if len(part) == 1:
            yield [_equal(names[0], part[0])]
        else:
            yield [_regex(names[0], "|".join(map(quote, part)))]


def quote(text: str) -> str:
    """Return text that RE2 matches as it stands; Python's own way escapes more than it takes."""
    return "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in text)


def _but(watchdogs: Collection[str]) -> list[Matcher]:
    return [{**_equal("alertname", name), "isEqual": False} for name in sorted(watchdogs)]


def _equal(name: str, value: str) -> Matcher:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True}


def _regex(name: str, value: str) -> Matcher:
    return {"name": name, "value": value, "isRegex": True, "isEqual": True}
