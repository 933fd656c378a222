"""What can go wrong between us and a monitoring system."""

from adapters.errors import AdapterError


class MonitoringError(AdapterError):
    """The base of the monitoring contract's errors."""

    code = "monitoring.error"
