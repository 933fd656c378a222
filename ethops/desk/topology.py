"""What stands on what, where the CMDB says so. Pure.

A CI depends on what its attributes `depends_on`, `runs_on`, `powered_by` and `connected_to` name,
and on the CI that is its inventory host; a host that is no CI is a place of its own, `host:NAME`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from adapters.cmdb.port import CI

ATTRIBUTES: Final = ("depends_on", "runs_on", "powered_by", "connected_to")
HOST_LABELS: Final = ("host", "hostname", "node", "instance")


@dataclass(frozen=True)
class Topology:
    """Every CI, and what each stands on directly."""

    cis: Mapping[str, CI]
    on: Mapping[str, frozenset[str]]
    hosts: Mapping[str, str]
    """Name of a host -> the CI that is this host."""

    def above(self, place: str) -> frozenset[str]:
        """Return all that a place stands on, however far away; a circle ends where it began."""
        found: set[str] = set()
        edge = [place]
        while edge:
            for one in self.on.get(edge.pop(), ()):
                if one not in found and one != place:
                    found.add(one)
                    edge.append(one)
        return frozenset(found)

    def with_above(self, place: str) -> frozenset[str]:
        """Return a place and all that it stands on."""
        return self.above(place) | {place}

    @cached_property
    def under(self) -> Mapping[str, frozenset[str]]:
        """What stands directly on each place."""
        found: dict[str, set[str]] = {}
        for place, others in self.on.items():
            for other in others:
                found.setdefault(other, set()).add(place)
        return {place: frozenset(others) for place, others in found.items()}

    def place_of(self, labels: Mapping[str, str], ci_ref: str) -> str:
        """Return where an alert is: its CI, else the host that its labels name, else nowhere."""
        if ci_ref:
            return ci_ref
        for label in HOST_LABELS:
            said = labels.get(label, "")
            name, _, port = said.rpartition(":")
            host = name if port.isdecimal() and name else said
            if host:
                return self.hosts.get(host, f"host:{host}")
        return ""


def of(cis: Iterable[CI]) -> Topology:
    """Return what the CMDB's CIs say about each other."""
    known = {ci.ref: ci for ci in cis}
    hosts = _hosts(known.values())
    names = {ci.name: ci.ref for ci in known.values()} | hosts
    on = {ref: frozenset(_on(ci, known, names, hosts)) for ref, ci in known.items()}
    return Topology(known, on, hosts)


def _on(
    ci: CI, known: Mapping[str, CI], names: Mapping[str, str], hosts: Mapping[str, str]
) -> Iterable[str]:
    for attribute in ATTRIBUTES:
        said = ci.attributes.get(attribute)
        for one in said if isinstance(said, list | tuple) else [said]:
            if isinstance(one, str) and one:
                other = one if one in known else names.get(one, one)
                if other != ci.ref:
                    yield other
    if ci.host:
        host = hosts.get(ci.host, f"host:{ci.host}")
        if host != ci.ref:
            yield host


def _hosts(cis: Iterable[CI]) -> dict[str, str]:
    """Return which CI is which host: by its attribute `hostname`, its ref, or its name."""
    found: dict[str, str] = {}
    for ci in cis:
        said = ci.attributes.get("hostname")
        for name in (ci.name, ci.ref, said):
            if isinstance(name, str) and name:
                found[name] = ci.ref
    return found
