"""Which things that were seen are CIs already. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from adapters.cmdb.port import CI
from adapters.cmdb.proposals import Thing
from adapters.json_value import JSON

NAMES_OF_HOSTS: Final = ("hostname", "fqdn", "address", "addresses")
"""Attributes by which a CI says which host it is."""
NAMES_OF_SERVICES: Final = ("unit", "units", "service", "services", "listens", "process")
PORT: Final = re.compile(r"(?:.*:)?(\d{1,5})(?:/(tcp|udp))?", re.ASCII | re.IGNORECASE)
"""A port as people write what listens: `10.0.0.5:5432`, `5432/tcp`, `5432`."""


class Ground:
    """The CIs that there are, as far as telling what is none needs them."""

    def __init__(self, cis: Iterable[CI]) -> None:
        live = [ci for ci in cis if not ci.retired]
        self._by_ref = {ci.ref: ci for ci in live}
        self._hosts = {name for ci in live for name in _called(ci)}
        self._services = {
            (where, name) for ci in live for where in _places(ci) for name in _provides(ci)
        }

    @property
    def refs(self) -> Collection[str]:
        """Return the refs of all CIs."""
        return self._by_ref.keys()

    def get(self, ref: str) -> CI | None:
        """Return a CI."""
        return self._by_ref.get(ref)

    def knows_host(self, name: str) -> bool:
        """Tell whether a CI is called so, whole or, without a domain, by its first label."""
        full = name.lower()
        label, dot, _ = full.partition(".")
        return full in self._hosts or bool(dot and not label.isdecimal() and label in self._hosts)

    def is_one(self, thing: Thing) -> bool:
        """Tell whether there is nothing to propose: it is a CI, or the CI says so, or is gone."""
        if thing.kind == "host":
            return self.knows_host(thing.name)
        about = self._by_ref.get(thing.about)
        if about is None:
            return True
        if thing.kind == "attribute":
            return not differs(about.attributes.get(thing.name), thing.attributes[thing.name])
        places = {name.lower() for name in (about.ref, about.name)}
        names = {thing.name, thing.name.removesuffix(".service"), *_texts(thing.attributes)}
        return any(
            (place, name.lower()) in self._services for place in places for name in names if name
        )


def differs(said: JSON, seen: JSON) -> bool:
    """Tell whether a CI says otherwise: a word that is not in what was seen, nor begins one there.

    One that says nothing is not contradicted, nor is one that says less: `Debian 12` is true of
    `Debian GNU/Linux 12.5`.
    """
    if said is None or isinstance(said, list | dict):
        return False
    there = _words(seen)
    return any(
        not any(word == one or one.startswith((f"{word}.", f"{word}-")) for one in there)
        for word in _words(said)
    )


def _called(ci: CI) -> Iterator[str]:
    yield from (name.lower() for name in (ci.ref, ci.name, ci.host) if name)
    for attribute in NAMES_OF_HOSTS:
        yield from (name.lower() for name in _several(ci.attributes.get(attribute)))


def _places(ci: CI) -> Iterator[str]:
    """Yield what it runs on, and itself: a host's own CI may name its services."""
    yield from (name.lower() for name in (ci.ref, ci.name, ci.host) if name)
    yield from (name.lower() for name in _several(ci.attributes.get("runs_on")))


def _provides(ci: CI) -> Iterator[str]:
    names = [ci.ref, ci.name]
    for attribute in NAMES_OF_SERVICES:
        names += _several(ci.attributes.get(attribute))
    names += _ports(ci.attributes.get("listens"))
    for name in names:
        yield from (name.lower(), name.lower().removesuffix(".service"))


def _words(said: JSON) -> list[str]:
    return re.split(r"[\s(),/]+", str(said).strip().casefold())


def _texts(attributes: object) -> Iterator[str]:
    said = attributes if isinstance(attributes, dict) else {}
    for name in NAMES_OF_SERVICES:
        # A program may listen on several ports, and each of them is a service.
        if name != "process" or not said.get("listens"):
            yield from _several(said.get(name))


def _ports(listens: JSON) -> Iterator[str]:
    """Yield where it listens as a sighting says it."""
    for one in listens if isinstance(listens, list | tuple) else [listens]:
        found = PORT.fullmatch(str(one))
        if found is not None:
            yield f"{int(found[1])}/{(found[2] or 'tcp').lower()}"


def _several(said: JSON) -> list[str]:
    several = said if isinstance(said, list | tuple) else [said]
    return [one for one in several if isinstance(one, str) and one]
