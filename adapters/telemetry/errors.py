"""What can go wrong between us and those who watch hosts."""

from adapters.errors import AdapterError


class TelemetryError(AdapterError):
    """The base of the telemetry contract's errors."""

    code = "telemetry.error"


class UnknownObserverError(TelemetryError):
    """Nobody declared that lines of this host are pushed."""

    code = "telemetry.unknown_observer"
    hint = "Declare `{host: NAME, source: pushed}` under `observers` of the site file, and load it."


class PositionError(TelemetryError):
    """A batch does not begin where the last one ended."""

    code = "telemetry.position"
    hint = "Ask for the position and send on from there."


class SourceError(TelemetryError):
    """A source cannot be read."""

    code = "telemetry.source"
    hint = "Let the control worker's user read the file, e.g. by the group adm."
