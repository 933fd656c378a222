"""Observations in our own rows, judged whenever somebody asks: the default compliance."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from adapters.compliance import collectors, judgement, services
from adapters.compliance.errors import UnknownFrameworkError
from adapters.compliance.port import (
    Capability,
    Collected,
    Exemption,
    Fact,
    Finding,
    Observation,
    Safeguard,
)
from adapters.compliance.safeguards import FRAMEWORKS
from adapters.rows import now, select

CAPABILITIES: Final[frozenset[Capability]] = frozenset({"collect", "exempt"})

CANNOT: Final = {
    "results": "It reads no files; `openscap` reads those of OpenSCAP.",
    "assessments": "It asks no other system; `ciso_assistant` reads an audit at one.",
}
"""What this adapter has not."""

_OBSERVATION = """
    SELECT kind, safeguard, scope, outcome, said, source, collected_at, expires_at, raw_sha256
    FROM reading.observation
"""
# Of each line the newest look of either outcome: no other one decides.
_DECIDING = """
    SELECT DISTINCT ON (safeguard, scope, kind, source, outcome)
           kind, safeguard, scope, outcome, said, source, collected_at, expires_at, raw_sha256
    FROM reading.observation WHERE collected_at <= %s {also}
    ORDER BY safeguard, scope, kind, source, outcome, collected_at DESC, id DESC
"""
_EXEMPTION = """
    SELECT safeguard, scope, reason, said_by, said_at, until FROM reading.exemption
    ORDER BY said_at, safeguard, scope, until
"""


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    capabilities = CAPABILITIES

    def frameworks(self) -> tuple[str, ...]:
        """Return the frameworks whose lists there are."""
        return tuple(sorted(FRAMEWORKS))

    def safeguards(self, framework: str) -> tuple[Safeguard, ...]:
        """Return a framework's safeguards."""
        return tuple(_framework(framework).values())

    def observations(
        self, *, safeguard: str = "", scope: str | None = None, limit: int = 500
    ) -> tuple[Observation, ...]:
        """Return the newest observations, newest first."""
        tests, params = [], []
        if safeguard:
            tests.append("safeguard = %s")
            params.append(safeguard)
        if scope is not None:
            tests.append("scope = %s")
            params.append(scope)
        where = f"WHERE {' AND '.join(tests)}" if tests else ""
        return _observations(
            f"{_OBSERVATION} {where} ORDER BY collected_at DESC, id LIMIT %s", [*params, limit]
        )

    def by_ids(self, ids: Sequence[str]) -> tuple[Observation, ...]:
        """Return the observations with these ids in their order."""
        return _observations(f"{_OBSERVATION} WHERE id = ANY(%s) ORDER BY id", [list(ids)])

    def exemptions(self) -> tuple[Exemption, ...]:
        """Return what was said not to apply, oldest first."""
        return tuple(Exemption(**row) for row in select(_EXEMPTION))

    def findings(
        self, framework: str, *, safeguard: str = "", at: datetime | None = None
    ) -> tuple[Finding, ...]:
        """Return how far each safeguard is carried at a time, or one of them."""
        safeguards, when, params = _framework(framework), at or now(), []
        if safeguard:
            safeguards = {key: one for key, one in safeguards.items() if key == safeguard}
            params.append(safeguard)
        decide = _DECIDING.format(also="AND safeguard = %s" if safeguard else "")
        return judgement.judge(
            _observations(decide, [when, *params]), self.exemptions(),
            safeguards=safeguards, at=when,
        )  # fmt: skip


class Collector:
    """Keeps what facts say, wherever it is called from."""

    def collect(self, facts: Sequence[Fact]) -> Collected:
        """Make observations of facts and keep what is news."""
        return services.keep(collectors.observe(facts))


class Writer:
    """Keeps people's words; the owner's role alone has the right to."""

    def exempt(self, exemption: Exemption) -> bool:
        """Keep that a safeguard does not apply."""
        return services.exempt(exemption)


def _framework(name: str) -> dict[str, Safeguard]:
    if name not in FRAMEWORKS:
        known = ", ".join(sorted(FRAMEWORKS))
        raise UnknownFrameworkError(f"No framework {name[:80]!r}; there are: {known}.")
    return dict(FRAMEWORKS[name])


def _observations(query: str, params: list[Any]) -> tuple[Observation, ...]:
    return tuple(Observation(**row) for row in select(query, params))
