"""What stands on what, by what each CI says of itself. Pure.

A CI stands on what its attributes `depends_on`, `runs_on`, `powered_by` and `connected_to` name,
and on the CI that is its inventory host; a host that is no CI is a place of its own, `host:NAME`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from adapters.cmdb.port import CI

ATTRIBUTES: Final = ("depends_on", "runs_on", "powered_by", "connected_to")
ON_HOST: Final = "on_host"
KINDS: Final = (*ATTRIBUTES, ON_HOST)
LONGEST_PLACE: Final = 200


class Relation(NamedTuple):
    """One CI stands on one place, which need not be a CI."""

    dependent: str
    support: str
    kind: str


def of(cis: Iterable[CI]) -> tuple[Relation, ...]:
    """Return what the CIs say, each relation once, in the order of the CIs."""
    known = {ci.ref: ci for ci in cis}
    of_hosts = hosts(known.values())
    names = {ci.name: ci.ref for ci in known.values()} | of_hosts
    said = (one for ci in known.values() for one in _of(ci, known, names, of_hosts))
    return tuple(dict.fromkeys(said))


def hosts(cis: Iterable[CI]) -> dict[str, str]:
    """Return which CI is which host: by its attribute `hostname`, its ref, or its name."""
    found: dict[str, str] = {}
    for ci in cis:
        said = ci.attributes.get("hostname")
        for name in (ci.name, ci.ref, said):
            if isinstance(name, str) and name:
                found[name] = ci.ref
    return found


def _of(
    ci: CI, known: Mapping[str, CI], names: Mapping[str, str], of_hosts: Mapping[str, str]
) -> Iterator[Relation]:
    for attribute in ATTRIBUTES:
        said = ci.attributes.get(attribute)
        for one in said if isinstance(said, list | tuple) else [said]:
            if isinstance(one, str) and 0 < len(one) <= LONGEST_PLACE:
                other = one if one in known else names.get(one, one)
                if other != ci.ref:
                    yield Relation(ci.ref, other, attribute)
    if ci.host:
        host = of_hosts.get(ci.host, f"host:{ci.host}")
        if host != ci.ref:
            yield Relation(ci.ref, host, ON_HOST)
