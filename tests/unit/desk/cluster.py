"""A small machine room: two power units, a switch, a store, seven nodes and what runs on them."""

from collections.abc import Iterable

from adapters.cmdb import relations
from adapters.cmdb.port import CI
from adapters.json_value import JSON
from ethops.desk.topology import Topology

NODES = 7
SERVICES_EACH = 6


def ci(ref: str, ci_class: str, **attributes: JSON) -> CI:
    """A CI that stands on what its attributes say."""
    return CI(
        ref=ref, name=ref, ci_class=ci_class, attributes=attributes, impact=2, urgency=2,
        user_facing=False, lifeline=False, host="", source="site", managed_by="",
    )  # fmt: skip


def cis() -> list[CI]:
    """Everything in it."""
    found = [
        ci("ups-1", "ups"),
        ci("pdu-1", "pdu", powered_by="ups-1"),
        ci("switch-1", "network_switch", powered_by="pdu-1"),
        ci("ceph", "storage_cluster", runs_on=[f"node-{n}" for n in range(1, 4)]),
    ]
    for n in range(1, NODES + 1):
        node = f"node-{n}"
        found.append(ci(node, "server", powered_by=["pdu-1"], connected_to="switch-1"))
        found += [
            ci(f"app-{n}-{k}", "web_service", runs_on=node, depends_on=["ceph"])
            for k in range(1, SERVICES_EACH + 1)
        ]
    return found


def room() -> Topology:
    """What stands on what in it."""
    return known(cis())


def known(cis: Iterable[CI]) -> Topology:
    """What these CIs say about each other, as a graph that knows all of it gives it."""
    all_ = {one.ref: one for one in cis}
    on: dict[str, frozenset[str]] = {}
    for relation in relations.of(all_.values()):
        on[relation.dependent] = on.get(relation.dependent, frozenset()) | {relation.support}
    return Topology(all_, on, relations.hosts(all_.values()))
