"""From a fact that is passed in to what it says of safeguards. Pure.

A collector says nothing where its fact cannot tell; nothing that a host wrote is repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from adapters.compliance import of_hosts, of_house
from adapters.compliance.errors import FactError
from adapters.compliance.kinds import KINDS
from adapters.compliance.of_hosts import Said
from adapters.compliance.port import Fact, Observation, Outcome

LONGEST_SCOPE: Final = 200


def observe(facts: Iterable[Fact]) -> tuple[Observation, ...]:
    """Return what facts say, in their order.

    Raises:
        FactError: a fact has no collector, or not what its collector reads.
    """
    return tuple(_observation(fact, said) for fact in facts for said in _said(fact))


def _said(fact: Fact) -> Iterator[Said]:
    collector = COLLECTORS.get(fact.name)
    if collector is None:
        known = ", ".join(sorted(COLLECTORS))
        raise FactError(f"No collector reads the fact {fact.name!r}; there are: {known}.")
    if len(fact.scope) > LONGEST_SCOPE or not fact.scope.isprintable():
        raise FactError(f"The fact {fact.name} is about no CI: {fact.scope[:80]!r}.")
    yield from collector(fact)


def _observation(fact: Fact, said: Said) -> Observation:
    kind, safeguard, met, sentence = said
    outcome: Outcome = "met" if met else "unmet"
    return Observation(
        kind, safeguard, fact.scope, outcome, sentence, fact.source, fact.at,
        fact.at + KINDS[kind].lasts, fact.raw_sha256,
    )  # fmt: skip


COLLECTORS: Final[Mapping[str, Callable[[Fact], Iterator[Said]]]] = {
    "inventory": of_house.inventory,
    "unlisted": of_house.unlisted,
    "idle": of_house.idle,
    "factors": of_house.factors,
    "roles": of_house.roles,
    "contacts": of_house.contacts,
    "providers": of_house.providers,
    "document": of_house.document,
    "host": of_hosts.host,
    "observer": of_hosts.observer,
    "packages": of_hosts.packages,
    "accounts": of_hosts.accounts,
    "passwords": of_hosts.passwords,
    "disks": of_hosts.disks,
    "filter": of_hosts.packet_filter,
    "system": of_hosts.system,
    "units": of_hosts.units,
    "resolvers": of_hosts.resolvers,
    "center": of_hosts.center,
    "room": of_hosts.room,
}
"""Name of a fact -> what reads it."""
