"""Which of many alerts at once is the root, and what it explains. Pure.

What nothing else that alerts stands under is a root; of several, what carries the others comes
first: power, network, storage, host, platform, service. Where nearly all that stands on one thing
alerts and the thing itself says nothing, that thing is the candidate: power is seldom monitored.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ethops.desk.topology import Topology

LAYERS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("power", frozenset({"power", "ups", "pdu", "psu", "rack", "room", "cooling", "battery"})),
    (
        "network",
        frozenset({"network", "switch", "router", "firewall", "gateway", "link", "uplink", "bgp"}),
    ),
    ("storage", frozenset({"storage", "san", "nas", "ceph", "volume", "array"})),
    (
        "host",
        frozenset({"host", "server", "node", "hypervisor", "machine", "vm", "virtual", "hardware"}),
    ),
    ("platform", frozenset({"database", "queue", "cluster", "cache", "broker", "dns"})),
)
SERVICE: Final = "service"
ORDER: Final = {name: number for number, (name, _) in enumerate(LAYERS)} | {SERVICE: len(LAYERS)}
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

INFERRED_LEAST: Final = 3
INFERRED_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Symptom:
    """One alert of many: where it is, what it says, and since when."""

    place: str
    """A CI, a host, or a word for the alert's own group; never empty."""
    alertname: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Root:
    """A candidate, and the places that alert because of it; itself not among them."""

    place: str
    layer: str
    alertname: str
    """What it says itself; empty where it says nothing and is inferred from what stands on it."""
    explains: frozenset[str]
    first_at: datetime


def rank(symptoms: Iterable[Symptom], topology: Topology) -> list[Root]:
    """Return the candidates, likeliest first; every place is one or is explained by one."""
    first = _first(symptoms)
    above = {place: topology.above(place) for place in first}
    tops = {place for place in first if not above[place] & first.keys()}
    # A circle of things that stand on each other has no top: its first alert stands for it.
    for place in sorted(first, key=lambda one: (first[one].at, one)):
        if place not in tops and not above[place] & tops:
            tops.add(place)
    found = [_root(place, first, above, topology) for place in tops]
    return sorted(_inferred(found, first, above, topology), key=_order)


def layer_of(place: str, alertname: str, topology: Topology) -> str:
    """Return what a place is: by its class where it is a CI, else by the words of the alert."""
    ci = topology.cis.get(place)
    if ci is None and place.startswith("host:"):
        return "host"
    words = {word.lower() for word in WORD.findall(ci.ci_class if ci else alertname)}
    return next((name for name, known in LAYERS if words & known), SERVICE)


def _first(symptoms: Iterable[Symptom]) -> dict[str, Symptom]:
    found: dict[str, Symptom] = {}
    for one in symptoms:
        held = found.get(one.place)
        if held is None or (one.at, one.alertname) < (held.at, held.alertname):
            found[one.place] = one
    return found


def _root(
    place: str,
    first: Mapping[str, Symptom],
    above: Mapping[str, Collection[str]],
    topology: Topology,
) -> Root:
    symptom = first[place]
    return Root(
        place=place,
        layer=layer_of(place, symptom.alertname, topology),
        alertname=symptom.alertname,
        explains=frozenset(one for one in first if one != place and place in above[one]),
        first_at=symptom.at,
    )


def _inferred(
    roots: list[Root],
    first: Mapping[str, Symptom],
    above: Mapping[str, Collection[str]],
    topology: Topology,
) -> list[Root]:
    """Put what is silent itself in the place of the roots that nearly all stand on it."""
    gone = _gone(first, topology)
    while True:
        silent = {one for root in roots for one in above.get(root.place, ()) if one not in first}
        named = {root.place for root in roots}
        carried = {
            one: [root for root in roots if one in above.get(root.place, ())]
            for one in silent - named
        }
        fit = [one for one, under in carried.items() if len(under) >= INFERRED_LEAST and gone(one)]
        if not fit:
            return roots
        # The nearest of those that carry the most: what lies further away explains no more.
        best = min(fit, key=lambda one: (-len(carried[one]), -len(topology.above(one)), one))
        under = carried[best]
        explains = {place for root in under for place in (root.place, *root.explains)}
        inferred = Root(
            place=best,
            layer=layer_of(best, "", topology),
            alertname="",
            explains=frozenset(explains),
            first_at=min(root.first_at for root in under),
        )
        roots = [root for root in roots if root not in under] + [inferred]


def _gone(first: Collection[str], topology: Topology) -> Callable[[str], bool]:
    """Return who tells of a place whether it alerts, or nearly all that stands on it is gone."""
    known: dict[str, bool] = {}

    def gone(one: str) -> bool:
        if one in first:
            return True
        if one not in known:
            # A circle is not gone because of itself.
            known[one] = False
            known[one] = share(one) >= INFERRED_SHARE
        return known[one]

    def share(one: str) -> float:
        direct = topology.under.get(one, frozenset())
        return sum(map(gone, direct)) / max(1, len(direct))

    return gone


def _order(root: Root) -> tuple[int, int, datetime, str]:
    return ORDER[root.layer], -len(root.explains), root.first_at, root.place
