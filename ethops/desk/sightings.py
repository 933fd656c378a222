"""What observers and monitoring saw, as sightings of things that may be no CI. Pure.

All of it is foreign text; whether a name is one is judged where sightings are folded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from adapters.cmdb.proposals import Sighting, Thing
from adapters.telemetry.port import DeadLetter, Observer, Stranger
from adapters.text import one_line
from ethops.desk.topology import host_named

PUBLISHED: Final = re.compile(r"telemetry\.([a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?)\.lines")
"""The routing key of a host's lines; the broker holds who publishes to his own."""


def host(name: str) -> Thing:
    """Return a host of this name, or at this address."""
    called = one_line(name, 130).lower().rstrip(".")
    attribute = "address" if _is_address(called) else "hostname"
    return Thing("host", called, "server", attributes={attribute: called})


def of_letters(letters: Iterable[DeadLetter]) -> Iterator[Sighting]:
    """Yield the hosts that publish on the bus although nobody declared that they are watched."""
    for letter in letters:
        named = PUBLISHED.fullmatch(letter.routing_key)
        if named is not None:
            said = f"publishes on the bus as {letter.routing_key}: {letter.why}"
            yield Sighting("bus", host(named[1]), letter.at, said)


def of_observers(observers: Iterable[Observer]) -> Iterator[Sighting]:
    """Yield the hosts whose lines are read."""
    for one in observers:
        at = one.heard_until or one.read_at
        if one.began_at is not None and at is not None:
            said = f"its log is read ({one.source})"
            yield Sighting("observer", host(one.host), at, said)


def of_strangers(log: str, strangers: Iterable[Stranger]) -> Iterator[Sighting]:
    """Yield the hosts that write to a log of osquery's results and have no CI there."""
    for one in strangers:
        said = f"{one.times} results in the log {log} are of no CI"
        yield Sighting(f"osquery:{log}", host(one.name), one.last, said)


def of_alert(sender: str, labels: Mapping[str, str], at: datetime) -> Iterator[Sighting]:
    """Yield the host that an alert names."""
    name = host_named(labels)[:200]
    if name:
        alert = labels.get("alertname", "an alert")
        said = f"alert {alert} of {sender} names it"
        yield Sighting(f"alerts:{sender}", host(name), at, said)


def of_target(server: str, labels: Mapping[str, str], at: datetime) -> Iterator[Sighting]:
    """Yield the host that a Prometheus looks after."""
    name = host_named(labels)[:200]
    if name:
        # Without a login that the address may have.
        where = urlsplit(server)
        place = f"{where.hostname}:{where.port}" if where.port else f"{where.hostname}"
        said = f"target {labels.get('instance', name)} of the job {labels.get('job', 'none')}"
        yield Sighting(f"prometheus:{place}"[:100], host(name), at, said)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
