"""What queries of osquery found, as sightings of services and of what a CI says otherwise. Pure.

Queries are the site's own, so that a row is known by its columns, as osquery's tables name them.
Whoever has root on a host writes what he likes there: it is a sighting, and no more.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from adapters.cmdb.proposals import Kind, Sighting, Thing
from adapters.json_value import JSON
from adapters.telemetry.port import Result
from adapters.text import one_line

Row = Mapping[str, str]

OWN_UNITS: Final = ("/etc/systemd/system/", "/usr/local/lib/systemd/system/")
"""Where a site lays its own units; those of a distribution are on every host."""
PROTOCOLS: Final = {"6": "tcp", "17": "udp", "tcp": "tcp", "udp": "udp"}
EPHEMERAL: Final = 32_768
"""From this port on a host gives out ports by itself (Linux, ip_local_port_range)."""
LOOPS: Final = ("127.", "::1", "localhost")
MOST_OF_CI: Final = 5_000
"""Rows of one CI in one look: beyond them its older ones wait for the next snapshot."""


def of_results(results: Iterable[Result]) -> Iterator[Sighting]:
    """Yield what is there by the newest word of each query; what went since is not."""
    newest: dict[tuple[str, str], Sighting | None] = {}
    for result, row in _newest_first(results):
        for thing, said in _things(result.ci, row):
            words = f"{result.query}: {said}"
            seen = Sighting(f"osquery:{result.ci}", thing, result.at, words)
            # What is told first is the newest word, and what is older says no more.
            newest.setdefault(
                (result.query, thing.key), None if result.action == "removed" else seen
            )
    yield from (one for one in newest.values() if one is not None)


def _newest_first(results: Iterable[Result]) -> Iterator[tuple[Result, Row]]:
    """Yield rows as far back as a look goes, and of a query no further than its last snapshot."""
    read: Counter[str] = Counter()
    pictured: dict[tuple[str, str], datetime] = {}
    for result in sorted(results, key=_age, reverse=True):
        query = (result.ci, result.query)
        if query in pictured and result.at < pictured[query]:
            continue
        if result.action == "snapshot":
            pictured[query] = result.at
        rows = result.rows[: MOST_OF_CI - read[result.ci]]
        read[result.ci] += len(rows)
        yield from ((result, row) for row in rows)


def _age(result: Result) -> tuple[datetime, bool]:
    """Order by time; a process that began anew went and came within one second of the host."""
    return result.at, result.action != "removed"


def _things(ci: str, row: Row) -> Iterator[tuple[Thing, str]]:
    for read in READERS:
        found = read(ci, row)
        if found is not None:
            yield found


def _listener(ci: str, row: Row) -> tuple[Thing, str] | None:
    """A row of `listening_ports`, with or without the process's name beside it."""
    port, protocol = row.get("port", ""), PROTOCOLS.get(row.get("protocol", ""), "")
    address = row.get("address", "")
    if not port.isdecimal() or not protocol or not address or address.startswith(LOOPS):
        return None
    if not 0 < int(port[:6]) < EPHEMERAL:
        return None
    process = next((row[name] for name in ("name", "process", "process_name") if row.get(name)), "")
    place = f"{int(port)}/{protocol}"
    said = {"listens": place} | ({"process": process} if process else {})
    name = f"{process}:{place}" if process else place
    return _service(ci, name, said), f"{process or 'something'} listens on {address} {place}"


def _unit(ci: str, row: Row) -> tuple[Thing, str] | None:
    """A row of `systemd_units` that runs and that the site itself has laid down."""
    name, path = row.get("id", ""), row.get("fragment_path", "")
    running = row.get("sub_state") == "running" or row.get("active_state") == "active"
    if not name.endswith(".service") or not running or not path.startswith(OWN_UNITS):
        return None
    return _service(ci, name, {"unit": name}), f"{name} runs, from {path}"


def _system(ci: str, row: Row) -> tuple[Thing, str] | None:
    """A row of `os_version`."""
    if not {"name", "version", "platform", "major"} <= row.keys():
        return None
    version = row["version"]
    whole = version if row["name"] in version else f"{row['name']} {version}"
    # Without the release's nickname.
    return _attribute(ci, "os", re.sub(r" *\([^)]*\)", "", whole))


def _kernel(ci: str, row: Row) -> tuple[Thing, str] | None:
    """A row of `kernel_info`."""
    if not {"version", "arguments", "device"} <= row.keys():
        return None
    return _attribute(ci, "kernel", row["version"])


READERS: Final[tuple[Callable[[str, Row], tuple[Thing, str] | None], ...]] = (
    *(_listener, _unit, _system, _kernel),
)


def _service(ci: str, name: str, said: Mapping[str, JSON]) -> Thing:
    return Thing("service", one_line(name, 110), "service", ci, {"runs_on": [ci], **said})


def _attribute(ci: str, name: str, value: str) -> tuple[Thing, str]:
    kind: Kind = "attribute"
    return Thing(kind, name, "", ci, {name: one_line(value, 200)}), f"{name} is {value}"
