"""Which classes of iTop are read, and what they are to us: tables, and what a row says. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

SOURCE: Final = "itop"
LONGEST: Final = 255
"""Of each text that is taken over."""


@dataclass(frozen=True, slots=True)
class Key:
    """An external key that says what stands on what; `up` where its holder is the support."""

    field: str
    kind: str = "depends_on"
    tree: str = "ci"
    up: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of things: our class and layer, the fields that are asked for, and its keys."""

    itop_class: str
    ci_class: str
    layer: str
    fields: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    tree: str = "ci"
    """Ids are unique within a tree of classes, not over all of iTop."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Return every field by name; all of them by `*` would cost seventy times as much."""
        return ("id", "name", *self.fields, *(key.field for key in self.keys))


@dataclass(frozen=True, slots=True)
class Link:
    """One class of links: which of its keys is the dependent, and which the support."""

    itop_class: str
    dependent: str
    support: str
    kind: str = "depends_on"
    dependent_tree: str = "ci"
    support_tree: str = "ci"

    @property
    def asked(self) -> tuple[str, ...]:
        """Return every field by name."""
        return ("id", self.dependent, self.support)


_CI: Final = ("business_criticity", "organization_name")
_LIVING: Final = (*_CI, "status")
_PHYSICAL: Final = (*_LIVING, "serialnumber", "location_name", "brand_name", "model_name")
_RACKED: Final = (*_PHYSICAL, "managementip")
_PLACES: Final = (
    *(Key("rack_id"), Key("enclosure_id")),
    *(Key("powerA_id", "powered_by"), Key("powerB_id", "powered_by")),
)
_ON_SYSTEM: Final = (Key("system_id", "runs_on"),)
_SYSTEM: Final = ("osfamily_name", "osversion_name")

KINDS: Final = (
    Kind("Rack", "rack", "physical", _PHYSICAL),
    Kind("Enclosure", "enclosure", "physical", _PHYSICAL, (Key("rack_id"),)),
    Kind("PowerSource", "powersource", "physical", _PHYSICAL),
    Kind(
        *("PDU", "pdu", "physical", _PHYSICAL),
        (Key("rack_id"), Key("powerstart_id", "powered_by")),
    ),
    Kind("Server", "server", "physical", (*_RACKED, *_SYSTEM), _PLACES),
    Kind("NetworkDevice", "networkdevice", "network", _RACKED, _PLACES),
    Kind("SANSwitch", "sanswitch", "storage", _RACKED, _PLACES),
    Kind("StorageSystem", "storagesystem", "storage", _RACKED, _PLACES),
    Kind("NAS", "nas", "storage", _RACKED, _PLACES),
    Kind("TapeLibrary", "tapelibrary", "storage", _RACKED, _PLACES),
    Kind("PC", "pc", "physical", (*_PHYSICAL, *_SYSTEM)),
    Kind("Farm", "farm", "virtualization", _LIVING),
    Kind(
        *("Hypervisor", "hypervisor", "virtualization", _LIVING),
        (Key("server_id", "runs_on"), Key("farm_id", "runs_on", up=True)),
    ),
    Kind(
        *("VirtualMachine", "virtualmachine", "virtualization"),
        (*_LIVING, "managementip", *_SYSTEM),
        (Key("virtualhost_id", "runs_on"),),
    ),
    Kind(
        *("LogicalVolume", "logicalvolume", "storage", ("lun_id", "location_name")),
        (Key("storagesystem_id", "runs_on"),),
        tree="volume",
    ),
    Kind("DBServer", "dbserver", "service", _LIVING, _ON_SYSTEM),
    Kind("Middleware", "middleware", "service", _LIVING, _ON_SYSTEM),
    Kind("WebServer", "webserver", "service", _LIVING, _ON_SYSTEM),
    Kind("OtherSoftware", "othersoftware", "application", _LIVING, _ON_SYSTEM),
    Kind("PCSoftware", "pcsoftware", "application", _LIVING, _ON_SYSTEM),
    Kind("DatabaseSchema", "databaseschema", "service", _CI, (Key("dbserver_id", "runs_on"),)),
    Kind("MiddlewareInstance", "middleware", "service", _CI, (Key("middleware_id", "runs_on"),)),
    Kind("WebApplication", "webapplication", "application", _CI, (Key("webserver_id", "runs_on"),)),
    Kind("ApplicationSolution", "application", "application", _LIVING),
    Kind("BusinessProcess", "businessprocess", "application", _LIVING),
    Kind(
        *("Service", "service", "service", ("organization_name", "status")),
        tree="service",
    ),
)
"""Classes of things; what is not named here is not read: telephones, printers, tablets."""

LINKS: Final = (
    Link("lnkVirtualDeviceToVolume", "virtualdevice_id", "volume_id", support_tree="volume"),
    Link("lnkServerToVolume", "server_id", "volume_id", support_tree="volume"),
    Link(
        *("lnkConnectableCIToNetworkDevice", "connectableci_id", "networkdevice_id"),
        "connected_to",
    ),
    Link("lnkApplicationSolutionToFunctionalCI", "applicationsolution_id", "functionalci_id"),
    Link(
        *("lnkApplicationSolutionToBusinessProcess", "businessprocess_id"),
        "applicationsolution_id",
    ),
    Link("lnkFunctionalCIToService", "service_id", "functionalci_id", dependent_tree="service"),
)
"""Classes of links."""


def ref(tree: str, number: int) -> str:
    """Return how we call a thing of iTop's, whatever it is named there."""
    return f"{SOURCE}:{tree}:{number}"


def thing(kind: Kind, number: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a thing: what iTop says of it, each text shortened, and nothing else."""
    said = {name: text for name in kind.fields if (text := _text(fields.get(name)))}
    return {
        "ref": ref(kind.tree, number),
        "their_id": number,
        "name": _text(fields.get("name")) or f"{kind.itop_class} {number}",
        "ci_class": kind.ci_class,
        "layer": kind.layer,
        "said": said,
        "links": list(_edges(kind, number, fields)),
    }


def link(of: Link, number: int, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the row of a link, None where one of its ends is nothing."""
    dependent, support = _number(fields.get(of.dependent)), _number(fields.get(of.support))
    if not dependent or not support:
        return None
    return {
        "their_class": of.itop_class,
        "their_id": number,
        "dependent": ref(of.dependent_tree, dependent),
        "support": ref(of.support_tree, support),
        "kind": of.kind,
    }


def _edges(kind: Kind, number: int, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    own = ref(kind.tree, number)
    for key in kind.keys:
        there = _number(fields.get(key.field))
        if there:
            other = ref(key.tree, there)
            ends = (other, own) if key.up else (own, other)
            yield {
                "their_class": f"{kind.itop_class}.{key.field}",
                "their_id": number,
                "dependent": ends[0],
                "support": ends[1],
                "kind": key.kind,
            }


def _text(value: object) -> str:
    plain = "".join(c if c.isprintable() else " " for c in value) if isinstance(value, str) else ""
    return plain.strip()[:LONGEST]


def _number(value: object) -> int:
    said = str(value or "")
    return int(said) if said.isdigit() and len(said) < 19 else 0
