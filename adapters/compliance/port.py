"""What ethops needs of compliance: what was observed, and how far that carries each safeguard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from adapters.json_value import JSON

Mode: TypeAlias = Literal["machine", "ticket", "document", "person"]
"""What can bear witness at all: a machine's state, tickets, a dated document, a person's word."""
Strength: TypeAlias = Literal["strong", "partial", "none"]
Outcome: TypeAlias = Literal["met", "unmet"]
Ground: TypeAlias = Literal["evidence", "contradicted", "expired", "nothing", "exempt"]
"""Why a finding is as strong as it is: of those that are none, what is amiss."""
Known: TypeAlias = Literal["measured", "attested", "none"]
"""In which way it is known: something was looked at, a person has said so, or not at all."""
Capability: TypeAlias = Literal["collect", "exempt", "results", "assessments"]
"""What an adapter does: turns facts into observations, keeps what is said not to apply, reads
files of results that a scanner wrote, reads what people assess in another system."""

WHOLE = ""
"""The scope that is everything; any other is the ref of a CI."""


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One demand of a framework; its title is in our own words."""

    id: str
    control: int
    title: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was read elsewhere and is passed in, with where and when it was read.

    `raw_sha256` is of what was read, as it was read; `at` is when it was so.
    """

    name: str
    scope: str
    at: datetime
    source: str
    values: Mapping[str, JSON]
    raw_sha256: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one safeguard within one scope, and how long it counts.

    `said` is a sentence of ours; what hosts wrote is only counted in it, never repeated.
    """

    kind: str
    safeguard: str
    scope: str
    outcome: Outcome
    said: str
    source: str
    collected_at: datetime
    expires_at: datetime
    raw_sha256: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """A person's word that a safeguard does not apply within a scope, until it is looked at again.

    The newest about a safeguard and scope counts; one that has ended takes the others back.
    """

    safeguard: str
    scope: str
    reason: str
    said_by: str
    said_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """How far a safeguard is carried within a scope at one time; there is no bare pass.

    `expires_at` is until when it is at least so strong if nothing speaks against it; it and
    `collected_at` are None where nothing carries it. `observations` are the ids of what it rests
    on, or of what speaks against it.
    """

    safeguard: str
    scope: str
    strength: Strength
    ground: Ground
    collected_at: datetime | None
    expires_at: datetime | None
    because: tuple[str, ...]
    observations: tuple[str, ...]
    known: Known = "none"
    """Never `measured` where only a person's word carries it, or a part of it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one round brought: observations kept, those that said nothing new, files at fault."""

    kept: int
    repeated: int
    faults: tuple[str, ...]
    ids: tuple[str, ...]
    """Of those that were kept."""


class Reader(Protocol):
    """Reads; safe in the hands of an agent."""

    capabilities: frozenset[Capability]

    def frameworks(self) -> tuple[str, ...]:
        """Return the frameworks whose lists there are."""
        ...

    def safeguards(self, framework: str) -> tuple[Safeguard, ...]:
        """Return a framework's safeguards in the order of their numbers.

        Raises:
            UnknownFrameworkError: there is no such list.
        """
        ...

    def observations(
        self, *, safeguard: str = "", scope: str | None = None, limit: int = 500
    ) -> tuple[Observation, ...]:
        """Return the newest observations, newest first; of one safeguard or scope where named."""
        ...

    def by_ids(self, ids: Sequence[str]) -> tuple[Observation, ...]:
        """Return the observations with these ids in their order; unknown ones are left out."""
        ...

    def exemptions(self) -> tuple[Exemption, ...]:
        """Return what was said not to apply, whether it still holds or not, oldest first."""
        ...

    def findings(
        self, framework: str, *, safeguard: str = "", at: datetime | None = None
    ) -> tuple[Finding, ...]:
        """Return a finding per safeguard for everything, and one per scope that was looked at.

        Of one safeguard alone where it is named. They are as of `at`, or of now; what was observed
        after it does not count.

        Raises:
            UnknownFrameworkError: there is no such list.
        """
        ...


class Collector(Protocol):
    """Keeps what facts say; whoever calls it has read them, and reads nothing through it."""

    def collect(self, facts: Sequence[Fact]) -> Collected:
        """Make observations of facts and keep what is news; all of them or none.

        Raises:
            FactError: a fact has no collector, or not what its collector reads.
        """
        ...


class Writer(Protocol):
    """Keeps people's words; run by the owner, never by an agent."""

    def exempt(self, exemption: Exemption) -> bool:
        """Keep that a safeguard does not apply; False where just that was said before.

        Raises:
            ExemptionError: it has no reason, nobody who says so, no such safeguard or no end.
        """
        ...


class Results(Protocol):
    """Reads a scanner's files; only adapters with `results` have one."""

    def read(self, raw: bytes, *, scope: str) -> tuple[Observation, ...]:
        """Return what a file of results says about the CI it is of.

        Raises:
            ResultsError: it is no such file, too large, or hostile.
        """
        ...


class Assessments(Protocol):
    """Reads what people judge in another system; only adapters with `assessments` have one."""

    def read(self) -> tuple[Observation, ...]:
        """Return what is judged there now; each is a person's word, and never measured.

        Raises:
            AssessmentsError: it does not answer, or not as we know it.
        """
        ...
