"""What osquery found on a host, as facts that safeguards are judged by. Pure.

Rows are known by their columns, as osquery's tables name them, since queries are the site's. Only
whole pictures count: what a query tells as differences began where nobody looked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.compliance.canonical import digest, moment
from adapters.compliance.port import Fact
from adapters.json_value import JSON
from adapters.telemetry.port import Result

Row: TypeAlias = Mapping[str, str]
Values: TypeAlias = dict[str, JSON]

REFUSES: Final = frozenset({"DROP", "REJECT"})
PACKAGED: Final = frozenset(
    {"arch", "author", "maintainer", "package_group", "release", "section", "source", "vendor"}
)
"""Columns that lists of packages have; one of them beside name and version is enough."""
BROUGHT: Final = frozenset(
    {
        *("adm", "backup", "bin", "daemon", "ftp", "games", "gnats", "halt", "irc", "list", "lp"),
        *("mail", "man", "news", "nobody", "operator", "proxy", "shutdown", "sync", "sys", "uucp"),
        "www-data",
    }
)
"""Accounts that Linux systems bring along and nobody is to come in by; root is taken over."""
FILTERING: Final = frozenset(
    {
        *("9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"),
        *("1.1.1.2", "1.0.0.2", "2606:4700:4700::1112", "2606:4700:4700::1002"),
        *("1.1.1.3", "1.0.0.3", "2606:4700:4700::1113", "2606:4700:4700::1003"),
    }
)
"""Resolvers for everybody that say of themselves to refuse names known to be bad: Quad9,
Cloudflare for families."""
UNITS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    # apt's timer runs on every Debian; only with the other does it install anything.
    "updates": (
        frozenset({"apt-daily-upgrade.timer", "unattended-upgrades.service"}),
        frozenset({"dnf-automatic-install.timer"}),
        frozenset({"transactional-update.timer"}),
    ),
    # ClamAV's daemon alone looks through nothing.
    "scanner": (
        frozenset({"clamav-clamonacc.service"}),
        frozenset({"mdatp.service"}),
        frozenset({"falcon-sensor.service"}),
    ),
    "signatures": (frozenset({"clamav-freshclam.service"}),),
    "forwarder": tuple(
        frozenset({f"{name}.service"})
        for name in (
            *("alloy", "filebeat", "fluent-bit", "promtail", "systemd-journal-upload", "vector"),
        )
    ),
}
"""What is done by units of systemd -> sets of which one must be active as a whole."""
BACKUPS: Final = (
    *("borgbackup", "borgmatic", "duplicity", "kopia", "pgbackrest", "restic", "rsnapshot"),
)
"""How the names of timers and services of backups begin."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One kind of rows: which fact they tell, by which columns they are known, what is counted."""

    fact: str
    known: Callable[[frozenset[str]], bool]
    values: Callable[[Sequence[Row]], Values]


def of_results(results: Iterable[Result], classes: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what the newest picture of each kind says of each CI that there is."""
    newest: dict[tuple[str, str], tuple[Result, Picture]] = {}
    for one in results:
        picture = _known(one)
        if picture and one.ci in classes:
            before = newest.get((one.ci, picture.fact))
            if before is None or (before[0].at, before[0].query) < (one.at, one.query):
                newest[one.ci, picture.fact] = one, picture
    for (ci, name), (one, picture) in sorted(newest.items(), key=lambda item: item[0]):
        values = {"ci_class": classes[ci], **picture.values(one.rows)}
        read: JSON = [one.query, moment(one.at), [dict(row) for row in one.rows]]
        yield Fact(name, ci, one.at, "osquery", values, digest(read))


def _known(result: Result) -> Picture | None:
    if result.action != "snapshot" or not result.rows:
        return None
    columns = frozenset(result.rows[0])
    return next((one for one in PICTURES if one.known(columns)), None)


def _has(*names: str) -> Callable[[frozenset[str]], bool]:
    return frozenset(names).issubset


def _packages(columns: frozenset[str]) -> bool:
    # The operating system has a name and a version, too.
    return {"name", "version"} <= columns and bool(columns & PACKAGED) and "platform" not in columns


def _counted(rows: Sequence[Row]) -> Values:
    return {"rows": len(rows)}


def _encrypted(rows: Sequence[Row]) -> Values:
    return {"rows": len(rows), "encrypted": sum(row.get("encrypted") == "1" for row in rows)}


def _protected(rows: Sequence[Row]) -> Values:
    """Count the drives that BitLocker protects now; one that is encrypted may be suspended."""
    on = sum(row.get("protection_status") == "1" for row in rows)
    return {"rows": len(rows), "encrypted": on}


def _closed(rows: Sequence[Row]) -> Values:
    """Tell whether the chain INPUT refuses by its policy, or by its last rule."""
    chain = [row for row in rows if row.get("chain") == "INPUT"]
    by_policy = any(row.get("policy") in REFUSES for row in chain)
    return {"closed": by_policy or (bool(chain) and chain[-1].get("target") in REFUSES)}


def _on(rows: Sequence[Row]) -> Values:
    """Tell whether the firewall of macOS is on."""
    return {"closed": all(row.get("global_state") in {"1", "2"} for row in rows)}


def _system(rows: Sequence[Row]) -> Values:
    return {name: rows[0].get(name, "") for name in ("platform", "major", "minor")}


def _passwords(rows: Sequence[Row]) -> Values:
    brought = [row for row in rows if row.get("username") in BROUGHT]
    return {
        "brought": len(brought),
        "open": sum(row.get("password_status") in {"active", "empty"} for row in brought),
        "empty": sum(row.get("password_status") == "empty" for row in rows),
    }


def _resolvers(rows: Sequence[Row]) -> Values:
    asked = [row.get("address", "") for row in rows if row.get("type") == "nameserver"]
    return {"rows": len(asked), "filtering": sum(one.lower() in FILTERING for one in asked)}


def _center(rows: Sequence[Row]) -> Values:
    return {name: rows[0].get(name, "") for name in ("firewall", "autoupdate", "antivirus")}


def _units(rows: Sequence[Row]) -> Values:
    states = {row.get("id", ""): row.get("active_state", "") for row in rows}
    active = {name for name, state in states.items() if state == "active"}
    failed = {name for name, state in states.items() if state == "failed"}
    runs = {what for what, sets in UNITS.items() if any(one <= active for one in sets)}
    broke = {what for what, sets in UNITS.items() if any(one & failed for one in sets)}
    if any(_copies(name) and name.endswith(".timer") for name in active):
        runs.add("backup")
    if any(map(_copies, failed)):
        broke.add("backup")
    return {"running": [*sorted(runs)], "failed": [*sorted(broke)]}


def _copies(unit: str) -> bool:
    stem = unit.rpartition(".")[0]
    return any(stem == name or stem.startswith((f"{name}-", f"{name}@")) for name in BACKUPS)


PICTURES: Final = (
    Picture("packages", _packages, _counted),
    Picture("accounts", _has("username", "uid", "shell"), _counted),
    Picture("disks", _has("name", "encrypted"), _encrypted),
    Picture("disks", _has("drive_letter", "protection_status"), _protected),
    Picture("filter", _has("chain", "policy", "target"), _closed),
    Picture("filter", _has("global_state", "stealth_enabled"), _on),
    Picture("system", _has("platform", "major", "minor"), _system),
    Picture("passwords", _has("username", "password_status"), _passwords),
    Picture("resolvers", _has("type", "address"), _resolvers),
    Picture("center", _has("firewall", "autoupdate", "antivirus"), _center),
    Picture("units", _has("id", "active_state"), _units),
)
"""What is known; the first that fits counts."""
