"""What stands on what around some alerts, for folding them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from adapters.cmdb.port import CI

HOST_LABELS: Final = ("host", "hostname", "node", "instance")


@dataclass(frozen=True)
class Topology:
    """What each place stands on directly, as far as it was asked about."""

    cis: Mapping[str, CI]
    """Those that may be roots, where a picture is to be made."""
    on: Mapping[str, frozenset[str]]
    hosts: Mapping[str, str]
    """Name of a host -> the CI that is this host."""
    sure: bool = True
    """False where some of it is overdue or was cut, or the graph did not answer."""

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
        host = host_named(labels)
        return self.hosts.get(host, f"host:{host}") if host else ""


def host_named(labels: Mapping[str, str]) -> str:
    """Return the host that an alert's labels name, without a port; "" for none."""
    for label in HOST_LABELS:
        said = labels.get(label, "")
        name, _, port = said.rpartition(":")
        # What has more colons is an address, unless it is in brackets.
        has_port = port.isdecimal() and name and (":" not in name or name.endswith("]"))
        host = name if has_port else said
        if host:
            return host
    return ""
