"""What ethops needs of a CMDB: CIs, the hosts they run on, and the join from an alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from adapters.json_value import JSON

Connection: TypeAlias = Literal["local", "ssh"]
JoinResult: TypeAlias = Literal["joined", "none", "ambiguous"]


@dataclass(frozen=True, slots=True)
class CI:
    """One configuration item; impact and urgency run from 1 (high) to 3 (low).

    `host` names its inventory host, "" where it has none; a lifeline CI is never acted on
    without a person. In a declaration `unsaid` names fields that it says nothing of: there
    another source's word counts.
    """

    ref: str
    name: str
    ci_class: str
    attributes: Mapping[str, JSON]
    impact: int
    urgency: int
    user_facing: bool
    lifeline: bool
    host: str
    source: str
    managed_by: str
    retired: bool = False
    unsaid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Host:
    """One inventory host and how a playbook reaches it."""

    name: str
    connection: Connection
    address: str
    user: str
    port: int
    python: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One equality: the alert's label against a CI field, or against a CI attribute."""

    label: str
    field: str
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class JoinRule:
    """A declared rule: it names a CI where all of its conditions hold."""

    name: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Which CI and host an alert means, and how that was decided.

    `ci_ref` and `host` are None unless `result` is "joined"; a joined CI without an inventory
    host has `host` None too. `report` holds one sentence per rule tried, and a last one.
    """

    result: JoinResult
    ci_ref: str | None
    host: str | None
    report: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything one source declares; what it no longer declares is retired."""

    hosts: tuple[Host, ...] = ()
    cis: tuple[CI, ...] = ()
    rules: tuple[JoinRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a declaration added, changed and retired, each as "kind name"."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


class Reader(Protocol):
    """Reads; safe in the hands of an agent. Retired CIs are found by `get` alone."""

    def get(self, ref: str) -> CI:
        """Return the CI, retired or not.

        Raises:
            CINotFoundError: no CI has this ref.
        """
        ...

    def by_refs(self, refs: Sequence[str]) -> tuple[CI, ...]:
        """Return the CIs with these refs in ref order; unknown refs are left out."""
        ...

    def search(self, text: str, *, limit: int = 50) -> tuple[CI, ...]:
        """Return CIs whose ref, name or class contains the text, in ref order; "" finds all."""
        ...

    def host(self, name: str) -> Host | None:
        """Return the inventory host of this name."""
        ...

    def hosts(self, names: Sequence[str]) -> tuple[Host, ...]:
        """Return the inventory hosts of these names, by name; unknown names are left out."""
        ...

    def host_of(self, ref: str) -> Host | None:
        """Return the inventory host a CI runs on, None where it has none."""
        ...

    def hosts_named(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return which CI is the host of which name: by `hostname`, its name or its ref."""
        ...

    def join(self, labels: Mapping[str, str]) -> Join:
        """Decide by the declared rules which CI and host an alert's labels mean."""
        ...


class Writer(Protocol):
    """Writes what a source declares; run by the owner, never by an agent."""

    def apply(self, inventory: Inventory, *, source: str) -> Applied:
        """Make the rows of this source equal to the inventory; a repeat changes nothing."""
        ...
