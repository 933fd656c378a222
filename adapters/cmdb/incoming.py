"""CIs and hosts that an owner brings from a file: the same declarations as in the site file."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from adapters import declared
from adapters.cmdb import csv_rows
from adapters.cmdb.declared import DeclaredCI, DeclaredHost
from adapters.cmdb.port import Inventory
from adapters.declared import Declaration, Fault, Read
from adapters.json_value import JSON
from adapters.yaml_tree import Limits, Loc

MOST: Final = 20_000
LIMITS: Final = Limits(bytes=8 * 1024 * 1024, nodes=500_000)


class Incoming(Declaration):
    """Everything one file declares."""

    hosts: Annotated[tuple[DeclaredHost, ...], Field(max_length=MOST)] = ()
    cis: Annotated[tuple[DeclaredCI, ...], Field(max_length=MOST)] = ()

    def inventory(self, source: str) -> Inventory:
        """Return what the CMDB is to hold of this source."""
        return Inventory(
            hosts=tuple(host.row() for host in self.hosts),
            cis=tuple(replace(ci.row(source=source), managed_by="import") for ci in self.cis),
        )


def read_yaml(path: Path) -> Read[Incoming]:
    """Read a YAML file of `hosts` and `cis`."""
    return _whole(declared.read(path, Incoming, limits=LIMITS))


def read_csv(path: Path) -> Read[Incoming]:
    """Read a table with one CI in each row."""
    data, lines, faults = csv_rows.load(path)
    return of(str(path), data, lines, faults)


def of(
    file: str, data: JSON, lines: Mapping[Loc, int], faults: Collection[Fault] = ()
) -> Read[Incoming]:
    """Check what was read in another way; what was wrong with it already is named along."""
    found = _whole(declared.checked(file, data, lines, Incoming))
    said = tuple(sorted((*faults, *found.faults), key=lambda fault: fault.line))
    return Read(file, None if said else found.value, said, lines)


def _whole(found: Read[Incoming]) -> Read[Incoming]:
    """Add what one row alone cannot see: a name that stands there twice."""
    if found.value is None:
        return found
    double = tuple(_double(found, found.value))
    return replace(found, value=None, faults=double) if double else found


def _double(found: Read[Incoming], value: Incoming) -> Iterator[Fault]:
    seen: Counter[tuple[str, str]] = Counter()
    names = [("hosts", number, "host", host.name) for number, host in enumerate(value.hosts)]
    names += [("cis", number, "CI", ci.ref) for number, ci in enumerate(value.cis)]
    for place, number, kind, name in names:
        seen[kind, name] += 1
        if seen[kind, name] > 1:
            what = f"There is a second {kind} {name}."
            yield found.fault((place, number), what, "Give it another name, or take one away.")
