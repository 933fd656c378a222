"""What can go wrong between us and a monitoring system."""

from adapters.errors import AdapterError


class MonitoringError(AdapterError):
    """The base of the monitoring contract's errors."""

    code = "monitoring.error"


class RangeError(MonitoringError):
    """What was cannot be told: the server does not answer, refuses, or finds too much."""

    code = "monitoring.range"
    hint = "See that it answers `query_range`, and sum up what has too many series."
