"""What bringing in a declaration would make new, change and take away. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.json_value import JSON
from adapters.text import one_line

BELIEVED: Final = 20
"""Of so many, one may be gone without a person's word; the copy of an iTop has the same rule."""

Said: TypeAlias = Mapping[str, Mapping[str, JSON]]
"""Name of a thing -> field -> value."""
Both: TypeAlias = tuple[Said, Said]
"""What is said by now, and what is to be said."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one row that would say something else."""

    what: str
    field: str
    before: str
    after: str

    def __str__(self) -> str:
        """Return the change on one line."""
        return f"{self.what}: {self.field} {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen, each row as "kind name"; `asks` says that so much gone needs a word."""

    new: tuple[str, ...]
    changed: tuple[Change, ...]
    gone: tuple[str, ...]
    asks: bool

    @property
    def nothing(self) -> bool:
        """Tell whether all is so already."""
        return not (self.new or self.changed or self.gone)


def compare(hosts: Both, cis: Both) -> Plan:
    """Hold what a source is to say of hosts and CIs against what it says by now."""
    kinds = (_Kind("host", *hosts), _Kind("CI", *cis))
    return Plan(
        new=tuple(line for one in kinds for line in one.new()),
        changed=tuple(change for one in kinds for change in one.changed()),
        gone=tuple(line for one in kinds for line in one.gone()),
        asks=any(BELIEVED * len(one.gone()) > len(one.live) for one in kinds),
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """Things of one kind, before and after, by name."""

    kind: str
    live: Said
    wanted: Said

    def new(self) -> list[str]:
        return [f"{self.kind} {name}" for name in sorted(self.wanted.keys() - self.live.keys())]

    def gone(self) -> list[str]:
        return [f"{self.kind} {name}" for name in sorted(self.live.keys() - self.wanted.keys())]

    def changed(self) -> list[Change]:
        return [
            Change(f"{self.kind} {name}", *said)
            for name in sorted(self.wanted.keys() & self.live.keys())
            for said in _differing(self.live[name], self.wanted[name])
        ]


def _differing(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs: its name, and how it is shown before and after."""
    for name in sorted(old.keys() | new.keys()):
        before, after = _text(old, name), _text(new, name)
        if before != after:
            yield name, one_line(before, 60), one_line(after, 60)


def _text(said: Mapping[str, JSON], name: str) -> str:
    """Return a value as JSON, where 1 is not true, or a word that is no JSON."""
    return shown(said[name]) if name in said else "nothing"


def shown(value: object) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
