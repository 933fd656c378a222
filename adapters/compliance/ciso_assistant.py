"""One audit at a CISO Assistant, beside what the embedded compliance keeps; it is only read.

Where the settings name a folder of OpenSCAP's results, that is read as well.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters import conf, secret_files
from adapters.compliance import assessed, collectors, embedded, openscap, services
from adapters.compliance.ciso_api import Api
from adapters.compliance.errors import AssessmentsError
from adapters.compliance.port import Capability, Collected, Fact, Observation
from adapters.rows import now

CAPABILITIES: Final[frozenset[Capability]] = openscap.CAPABILITIES | {"assessments"}

LONGEST_TOKEN: Final = 500

Results = openscap.Results
"""Files of a scanner are read as they are elsewhere."""


class Reader(embedded.Reader):
    """What was read there stands in the same rows."""

    capabilities = CAPABILITIES


class Writer(embedded.Writer):
    """People's words are kept in the same rows."""


class Assessments:
    """Reads what people have judged in the audit that the settings name."""

    def read(self) -> tuple[Observation, ...]:
        """Return what the audit says now: one observation per safeguard that was judged."""
        said = conf.options("compliance")
        url, audit = str(said.get("url", "")), str(said.get("audit", ""))
        if not url or not audit:
            raise AssessmentsError("The settings name no audit: set ETHOPS_CISO_URL and its like.")
        api = Api(url, _secret(str(said.get("token_file", ""))))
        assessed.check_version(api.get("/build/"))
        rows = list(api.pages("/requirement-assessments/", compliance_assessment=audit))
        return tuple(assessed.observed(audit, rows, now()))


class Collector(embedded.Collector):
    """Keeps what facts say, what is judged there by now, and what files have come."""

    def collect(self, facts: Sequence[Fact]) -> Collected:
        """Make observations of facts, of the audit and of new files, and keep what is news."""
        observations, faults = list(collectors.observe(facts)), []
        try:
            observations += Assessments().read()
        except AssessmentsError as fault:
            faults.append(f"CISO Assistant: {fault}")
        if conf.options("compliance").get("folder"):
            found, wrong = openscap.laid_down()
            observations += found
            faults += wrong
        return services.keep(observations, faults=tuple(faults))


def _secret(file: str) -> str:
    """Return the token; no fault ever repeats what the file holds."""
    try:
        token = secret_files.read(Path(file))
    except secret_files.UnfitSecretError as fault:
        raise AssessmentsError(f"{file}: {fault}") from fault
    if len(token) > LONGEST_TOKEN:
        raise AssessmentsError(f"{file}: {secret_files.UNFIT}, or longer than {LONGEST_TOKEN}")
    return token
