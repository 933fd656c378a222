"""A machine room whose power fails: what it declares, and the 300 alerts that follow."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.chaos.world import delivery

NODES = 12
APPS_EACH = 6
ROOT = "ups-1"
ALERTS = 300
SAID = {
    "server": ("HostDown", "TargetDown", "NoMetrics"),
    "web_service": ("PageNotWell", "Slow", "NoTraffic"),
    "ups": ("UpsOnBattery",),
    "pdu": ("PduDown",),
    "network_switch": ("SwitchDown", "UplinkDown"),
    "storage_cluster": ("CephNotWell", "CephSlow"),
}
"""Class of a CI -> the alerts that it makes."""


def cis() -> list[dict[str, Any]]:
    """Everything in the room, and what it stands on."""
    found = [
        _ci(ROOT, "ups"),
        *(_ci(f"pdu-{n}", "pdu", powered_by=ROOT) for n in (1, 2)),
        *(_ci(f"switch-{n}", "network_switch", powered_by=f"pdu-{n}") for n in (1, 2)),
        _ci("ceph", "storage_cluster", runs_on=["node-1", "node-2", "node-3"]),
        # On another feed, in another room: what happens to it has nothing to do with this.
        _ci("far-node", "server"),
    ]
    for n in range(1, NODES + 1):
        feed = 1 + n % 2
        of = {"powered_by": [f"pdu-{feed}"], "connected_to": f"switch-{feed}"}
        found.append(_ci(f"node-{n}", "server", **of))
        found += [
            _ci(f"app-{n}-{k}", "web_service", runs_on=f"node-{n}", depends_on="ceph")
            for k in range(1, APPS_EACH + 1)
        ]
    return found


def write_site(path: Path, notify: str) -> None:
    """Write what the owner of the room declares."""
    said = {"cis": cis(), "notify": {"kind": "http", "url": notify}}
    path.write_text(yaml.safe_dump(said), encoding="utf-8")


def bodies(seed: int) -> list[tuple[str, dict[str, Any]]]:
    """The 300 alerts as (fingerprint, body): services first, the power not before the end."""
    told = [*_told()]
    random.Random(seed).shuffle(told)  # noqa: S311 - no secret
    told.sort(key=lambda one: one[0] in {ROOT, "pdu-1", "pdu-2"})
    return [
        (f"{n:016x}", delivery(name, f"{n:016x}", ci=ref, severity="critical", replica=str(n)))
        for n, (ref, name) in enumerate(told)
    ]


def _told() -> Iterator[tuple[str, str]]:
    """Every CI and alert once, then again as other replicas tell of it, up to the 300."""
    once = [
        (ci["ref"], name) for ci in cis() if ci["ref"] != "far-node" for name in SAID[ci["class"]]
    ]
    yield from once
    yield from once[: ALERTS - len(once)]


def _ci(ref: str, ci_class: str, **attributes: Any) -> dict[str, Any]:
    return {"ref": ref, "name": ref, "class": ci_class, "attributes": attributes}
