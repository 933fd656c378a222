"""What bringing in a declaration would make new, change and take away. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from adapters.cmdb.port import CI, Host, Inventory
from adapters.text import one_line

BELIEVED: Final = 20
"""Of so many, one may be gone without a person's word; the copy of an iTop has the same rule."""
BESIDE: Final = frozenset({"source", "managed_by", "retired"})
"""What says nothing of the thing itself."""

Row = TypeVar("Row", CI, Host)


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


def compare(live: Inventory, wanted: Inventory) -> Plan:
    """Hold what a source is to say against what it says by now."""
    hosts = _Kind("host", live.hosts, wanted.hosts, lambda host: host.name)
    cis = _Kind("CI", live.cis, wanted.cis, lambda ci: ci.ref)
    return Plan(
        new=(*hosts.new(), *cis.new()),
        changed=(*hosts.changed(), *cis.changed()),
        gone=(*hosts.gone(), *cis.gone()),
        asks=any(BELIEVED * len(one.gone()) > len(one.live) for one in (hosts, cis)),
    )


class _Kind:
    """Rows of one kind, before and after, by name."""

    def __init__(
        self, kind: str, live: Sequence[Row], wanted: Sequence[Row], name: Callable[[Row], str]
    ) -> None:
        self.live: Mapping[str, CI | Host] = {name(row): row for row in live}
        self._kind = kind
        self._wanted: Mapping[str, CI | Host] = {name(row): row for row in wanted}

    def new(self) -> tuple[str, ...]:
        return tuple(f"{self._kind} {name}" for name in sorted(self._wanted.keys() - self.live))

    def gone(self) -> tuple[str, ...]:
        return tuple(f"{self._kind} {name}" for name in sorted(self.live.keys() - self._wanted))

    def changed(self) -> tuple[Change, ...]:
        both = sorted(self._wanted.keys() & self.live.keys())
        return tuple(
            Change(f"{self._kind} {name}", *said)
            for name in both
            for said in differing(self.live[name], self._wanted[name])
        )


def differing(before: CI | Host, after: CI | Host) -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs: its name, and how it is shown before and after."""
    old, new = fields(before), fields(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, _shown_of(old, name), _shown_of(new, name)


def _shown_of(said: Mapping[str, Any], name: str) -> str:
    return shown(said[name]) if name in said else "nothing"


def fields(row: CI | Host) -> dict[str, Any]:
    """Return what a row says of its thing, each attribute under a name of its own."""
    said = {name: value for name, value in asdict(row).items() if name not in BESIDE}
    attributes = said.pop("attributes", {})
    return said | {f"attributes.{name}": value for name, value in attributes.items()}


def shown(value: object) -> str:
    """Return a value as one short line."""
    return one_line(json.dumps(value, ensure_ascii=False), 60)
