"""What stands on what, where the CMDB says so, for folding alerts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from adapters.cmdb import relations
from adapters.cmdb.port import CI

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
    on: dict[str, set[str]] = {ref: set() for ref in known}
    for relation in relations.of(known.values()):
        on[relation.dependent].add(relation.support)
    return Topology(
        known,
        {ref: frozenset(others) for ref, others in on.items()},
        relations.hosts(known.values()),
    )
