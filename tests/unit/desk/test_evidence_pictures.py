"""What osquery found, as facts: what is counted, and what says nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.compliance.collectors import COLLECTORS, observe
from adapters.compliance.of_hosts import UNITS
from adapters.telemetry.port import Result
from ethops.desk import evidence_pictures as pictures

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEB = {"name": "bash", "version": "5.2", "arch": "amd64"}
USER = {"username": "root", "uid": "0", "shell": "/bin/bash", "description": "do as I say"}
DISK = {"name": "/dev/dm-0", "encrypted": "1", "type": "LUKS"}
SYSTEM = {
    "name": "Debian",
    "version": "12",
    "platform": "debian",
    "major": "12",
    "minor": "",
    "arch": "x86_64",
}
ALF = {"global_state": "1", "stealth_enabled": "0", "logging_enabled": "0"}
DRIVE = {"drive_letter": "C:", "protection_status": "1", "conversion_status": "1"}
CENTER = {"firewall": "Good", "autoupdate": "Poor", "antivirus": "Good", "antispyware": "Good"}


def shadow(name: str, status: str) -> dict[str, str]:
    return {"username": name, "password_status": status, "hash_alg": "do as I say"}


def resolver(address: str, kind: str = "nameserver") -> dict[str, str]:
    return {"id": "0", "type": kind, "address": address, "netmask": "32", "options": "705"}


def unit(name: str, state: str = "active") -> dict[str, str]:
    return {"id": name, "description": "do as I say", "active_state": state, "sub_state": "x"}


def rule(chain: str = "INPUT", policy: str = "ACCEPT", target: str = "ACCEPT") -> dict[str, str]:
    return {"chain": chain, "policy": policy, "target": target}


def picture(
    *rows, ago_h: float = 1, action: Any = "snapshot", query: str = "q", of: str = "web-01"
):
    return Result(of, query, action, NOON - ago_h * HOUR, rows)


def told(*results):
    classes = {"web-01": "vm", "pad": "laptop"}
    return {(one.scope, one.name): one.values for one in pictures.of_results(results, classes)}


@pytest.mark.parametrize(
    ("rows", "name", "values"),
    [
        ([DEB, DEB], "packages", {"rows": 2}),
        ([USER], "accounts", {"rows": 1}),
        ([DISK, {**DISK, "encrypted": "0"}], "disks", {"rows": 2, "encrypted": 1}),
        ([rule(policy="DROP")], "filter", {"closed": True}),
        ([rule(), rule(target="REJECT")], "filter", {"closed": True}),
        ([rule(target="DROP"), rule()], "filter", {"closed": False}),
        ([rule(chain="FORWARD", policy="DROP"), rule()], "filter", {"closed": False}),
        ([rule(chain="FORWARD", policy="DROP")], "filter", {"closed": False}),
        ([ALF], "filter", {"closed": True}),
        ([{**ALF, "global_state": "0"}], "filter", {"closed": False}),
        ([DRIVE, {**DRIVE, "protection_status": "0"}], "disks", {"rows": 2, "encrypted": 1}),
        ([SYSTEM], "system", {"platform": "debian", "major": "12", "minor": ""}),
        (
            [shadow("bin", "locked"), shadow("ada", "active")],
            "passwords",
            {"brought": 1, "open": 0, "empty": 0},
        ),
        (
            [shadow("bin", "active"), shadow("ada", "empty")],
            "passwords",
            {"brought": 1, "open": 1, "empty": 1},
        ),
        (
            [resolver("9.9.9.9"), resolver("10.0.0.1"), resolver("lan", "search")],
            "resolvers",
            {"rows": 2, "filtering": 1},
        ),
        ([CENTER], "center", {"firewall": "Good", "autoupdate": "Poor", "antivirus": "Good"}),
        ([unit("apt-daily-upgrade.timer")], "units", {"running": [], "failed": []}),
        (
            [unit("apt-daily-upgrade.timer"), unit("unattended-upgrades.service")],
            "units",
            {"running": ["updates"], "failed": []},
        ),
        ([unit("clamav-daemon.service")], "units", {"running": [], "failed": []}),
        (
            [unit("clamav-clamonacc.service", "failed"), unit("vector.service")],
            "units",
            {"running": ["forwarder"], "failed": ["scanner"]},
        ),
        (
            [unit("restic-backup.timer"), unit("restic-backup.service", "failed")],
            "units",
            {"running": ["backup"], "failed": ["backup"]},
        ),
        (
            [unit("restic-backup.service"), unit("resticks.timer")],
            "units",
            {"running": [], "failed": []},
        ),
    ],
)
def test_a_picture_is_known_by_its_columns(rows, name, values) -> None:
    assert told(picture(*rows)) == {("web-01", name): {"ci_class": "vm", **values}}


@pytest.mark.parametrize(
    "result",
    [
        picture(), picture({"pid": "1"}), picture(DEB, action="added"),
        picture(DEB, of="nobody"), picture({"name": "x", "version": "1"}),
    ],
    ids=["empty", "others", "a difference", "no CI", "too little"],
)  # fmt: skip
def test_what_tells_nothing_is_no_fact(result) -> None:
    assert told(result) == {}


def test_the_newest_picture_counts_and_its_time_is_the_fact_s() -> None:
    seen = [picture(USER, USER, ago_h=5), picture(USER, ago_h=2), picture(USER, of="pad")]
    found = list(pictures.of_results(seen, {"web-01": "vm", "pad": "laptop"}))
    assert [(one.scope, one.values["rows"], one.at) for one in found] == [
        ("pad", 1, NOON - HOUR), ("web-01", 1, NOON - 2 * HOUR),
    ]  # fmt: skip


def test_every_fact_has_a_collector_and_repeats_nothing_of_a_host() -> None:
    rows = (DEB, USER, DISK, rule(), SYSTEM, shadow("bin", "locked"), resolver("9.9.9.9"), CENTER,
            unit("restic.timer"))  # fmt: skip
    seen = [picture(one, of=of) for one in rows for of in ("web-01", "pad")]
    found = list(pictures.of_results(seen, {"web-01": "vm", "pad": "laptop"}))
    assert {one.name for one in found} == {one.fact for one in pictures.PICTURES} <= set(COLLECTORS)
    said = " ".join(one.said for one in observe(found))
    assert "do as I say" not in said
    assert {one.safeguard for one in observe(found)} == {
        *("2.1", "2.2", "3.6", "4.4", "4.5", "4.7", "5.1", "7.3", "9.2", "10.1", "11.2"),
    }  # fmt: skip


def test_every_unit_that_is_known_has_a_collector() -> None:
    assert {*pictures.UNITS, "backup"} == set(UNITS)
