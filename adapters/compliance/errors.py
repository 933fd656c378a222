"""What can go wrong with evidence."""

from adapters.errors import AdapterError


class ComplianceError(AdapterError):
    """The base of the contract's."""

    code = "compliance.error"


class UnknownFrameworkError(ComplianceError):
    """Nobody here has the list of such a framework."""

    code = "compliance.unknown_framework"
    hint = "`Reader.frameworks()` names those that there are."


class FactError(ComplianceError):
    """A fact has no collector, or not what its collector reads."""

    code = "compliance.fact"
    hint = "docs/reference/compliance.md names the facts and their values."


class ExemptionError(ComplianceError):
    """That a safeguard does not apply was said without a reason, a name or an end."""

    code = "compliance.exemption"
    hint = "Say why, who says so, and until when, at most two years from now."


class ResultsError(ComplianceError):
    """A file of results is not one, is too large, or means more than it says."""

    code = "compliance.results"
    hint = "Have the scanner write its results again (`oscap xccdf eval --results FILE`)."


class AssessmentsError(ComplianceError):
    """A system in which people assess does not answer, or not as we know it."""

    code = "compliance.assessments"
    hint = "See that it runs, that its token may read the audit, and that it is of a known version."
