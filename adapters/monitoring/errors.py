"""What can go wrong between us and a monitoring system."""

from adapters.errors import AdapterError


class MonitoringError(AdapterError):
    """The base of the monitoring contract's errors."""

    code = "monitoring.error"


class RangeError(MonitoringError):
    """What was cannot be told: the server does not answer, refuses, or finds too much."""

    code = "monitoring.range"
    hint = "See that it answers `query_range`, and sum up what has too many series."


class SilenceAwayError(MonitoringError):
    """An Alertmanager did not answer, or not as it should: nobody knows what it did."""

    code = "monitoring.silence_away"
    hint = "See that Alertmanager answers; the silence is asked for again by itself."


class SilenceRefusedError(MonitoringError):
    """An Alertmanager refuses a silence: it was not made."""

    code = "monitoring.silence_refused"
    hint = "See what it said; the window holds the alerts back here all the same."
