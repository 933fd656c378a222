"""Which alerts of the same minute belong together. Pure.

Time alone is no reason: two alerts hang together where one stands on the other or both on the
same thing, where they are of one place, of one group, or where they say the same of two places.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ethops.desk.topology import Topology

GROUPS: Final = ("site", "datacenter", "dc", "room", "rack", "zone", "cluster")
"""Labels whose common value is a reason."""


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that asks for action: its cause, and its reasons to belong to another."""

    cause: str
    reasons: frozenset[str]


def told(cause: str, labels: Mapping[str, str], ci_ref: str, topology: Topology) -> Told:
    """Return the reasons of an alert."""
    place = topology.place_of(labels, ci_ref)
    reasons = {f"on {one}" for one in topology.with_above(place)} if place else set()
    reasons |= {f"{label}={labels[label]}" for label in GROUPS if labels.get(label)}
    if labels.get("alertname"):
        reasons.add(f"says {labels['alertname']}")
    return Told(cause, frozenset(reasons))


def family(of: Told, others: Iterable[Told]) -> frozenset[str]:
    """Return the causes that hang together with this one, its own among them."""
    left = list(others)
    causes, reasons = {of.cause}, set(of.reasons)
    grown = True
    while grown:
        near = [one for one in left if one.reasons & reasons or one.cause in causes]
        left = [one for one in left if one not in near]
        causes |= {one.cause for one in near}
        reasons |= {reason for one in near for reason in one.reasons}
        grown = bool(near)
    return frozenset(causes)
