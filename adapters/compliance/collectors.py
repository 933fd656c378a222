"""From a fact that is passed in to what it says of safeguards. Pure.

A collector says nothing where its fact cannot tell; nothing that a host wrote is repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from adapters.compliance.errors import FactError
from adapters.compliance.kinds import KINDS
from adapters.compliance.port import Fact, Observation, Outcome

WEEK: Final = timedelta(days=7)
WORKED_AT: Final = frozenset(
    {"desktop", "laptop", "mobile", "notebook", "pc", "phone", "tablet", "workstation"}
)
"""Classes of CIs that are devices people work at; whatever else has a host is a server."""
LONGEST_SCOPE: Final = 200

Said: TypeAlias = tuple[str, str, bool, str]
"""A kind, a safeguard, whether it is met, and a sentence."""


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


def _number(fact: Fact, name: str) -> int:
    value = fact.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FactError(f"The fact {fact.name} has no number `{name}`: {value!r}.")
    return value


def _text(fact: Fact, name: str) -> str:
    value = fact.values.get(name)
    if not isinstance(value, str):
        raise FactError(f"The fact {fact.name} has no text `{name}`: {value!r}.")
    return value


def _flag(fact: Fact, name: str) -> bool:
    value = fact.values.get(name)
    if not isinstance(value, bool):
        raise FactError(f"The fact {fact.name} does not say whether `{name}`: {value!r}.")
    return value


def _inventory(fact: Fact) -> Iterator[Said]:
    """`cis` and `hosts` that the CMDB lists."""
    cis, hosts = _number(fact, "cis"), _number(fact, "hosts")
    yield "inventory.kept", "1.1", cis > 0, f"The CMDB lists {cis} CIs and {hosts} hosts."


def _unlisted(fact: Fact) -> Iterator[Said]:
    """Hosts that others saw and the CMDB has not: how many wait, since when, and who looks."""
    waiting, days = _number(fact, "waiting"), _number(fact, "oldest_days")
    watchers = _number(fact, "watchers")
    if not watchers:
        return
    said = f"{watchers} watchers see {waiting} hosts that are no CI"
    yield "inventory.compared", "1.1", not waiting, f"{said}."
    late = days > WEEK.days
    yield "unlisted.followed", "1.2", not late, f"{said}; the first waits {days} days."


def _host(fact: Fact) -> Iterator[Said]:
    """How ethops reaches a host: `connection`."""
    how = _text(fact, "connection")
    words = {"ssh": "by ssh", "local": "without a network, being on it"}
    said = f"Ethops administers the host {words.get(how, 'in a way that nobody encrypts')}."
    yield "host.managed", "4.6", how in words, said


def _observer(fact: Fact) -> Iterator[Said]:
    """Whether a host's log of logins is `heard` in time, and whether lines were `lost` today."""
    heard, lost = _flag(fact, "heard"), _flag(fact, "lost")
    said = "is read" if heard else "is not read"
    gap = ", with lines lost within a day" if lost else ""
    yield "host.heard", "8.2", heard and not lost, f"The host's log of logins {said}{gap}."


def _packages(fact: Fact) -> Iterator[Said]:
    """How many `rows` queries for packages have."""
    rows = _number(fact, "rows")
    if rows:
        yield "software.listed", "2.1", True, f"{rows} packages are listed."


def _accounts(fact: Fact) -> Iterator[Said]:
    """How many `rows` queries for accounts have."""
    rows = _number(fact, "rows")
    if rows:
        yield "accounts.listed", "5.1", True, f"{rows} accounts are listed."


def _disks(fact: Fact) -> Iterator[Said]:
    """How many disks there are, and how many `encrypted`; of devices that people work at alone."""
    rows, encrypted = _number(fact, "rows"), _number(fact, "encrypted")
    if rows and _text(fact, "ci_class").lower() in WORKED_AT:
        said = f"{encrypted} of {rows} disks and volumes are encrypted."
        yield "disks.encrypted", "3.6", encrypted > 0, said


def _filter(fact: Fact) -> Iterator[Said]:
    """Whether what comes in is refused unless a rule lets it: `closed`."""
    worked_at = _text(fact, "ci_class").lower() in WORKED_AT
    closed = _flag(fact, "closed")
    said = "refuses what no rule lets in" if closed else "lets in what no rule refuses"
    yield "filter.closed", "4.5" if worked_at else "4.4", closed, f"The packet filter {said}."


COLLECTORS: Final[Mapping[str, Callable[[Fact], Iterator[Said]]]] = {
    "inventory": _inventory,
    "unlisted": _unlisted,
    "host": _host,
    "observer": _observer,
    "packages": _packages,
    "accounts": _accounts,
    "disks": _disks,
    "filter": _filter,
}
"""Name of a fact -> what reads it."""
