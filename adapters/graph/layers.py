"""From the class of a CI to its layer: a table. An attribute `layer` of the CI goes first."""

from collections.abc import Mapping
from typing import Final, cast, get_args

from adapters.graph.port import Layer

CLASSES: Final[Mapping[Layer, tuple[str, ...]]] = {
    "physical": ("host", "server", "rack", "enclosure", "pdu", "ups", "powersource", "datacenter"),
    "network": ("switch", "router", "firewall", "networkdevice", "vlan", "link", "loadbalancer"),
    "virtualization": ("virtualmachine", "vm", "hypervisor", "container", "farm", "cluster"),
    "storage": ("storagesystem", "nas", "san", "volume", "logicalvolume", "filesystem", "disk"),
    "service": ("database", "databaseschema", "dbserver", "middleware", "queue", "cache", "dns"),
    "application": ("application", "applicationsolution", "webservice", "webapplication", "web"),
    "external": ("external", "provider", "saas", "internet"),
}
_BY_CLASS: Final = {name: layer for layer, names in CLASSES.items() for name in names}


def layer(ci_class: str, said: object = None) -> Layer | None:
    """Return the layer a CI names, else that of its class, None where neither is known."""
    if isinstance(said, str) and said in get_args(Layer):
        return cast("Layer", said)
    return _BY_CLASS.get("".join(filter(str.isalnum, ci_class.lower())))
