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


class ParcelError(TelemetryError):
    """A message of the bus is nothing that an observer of ours sends."""

    code = "telemetry.parcel"
    hint = "See who may publish under this host's name; what was sent is kept as a dead letter."


class BusError(TelemetryError):
    """The bus is away, takes nothing more, or has nobody who hears."""

    code = "telemetry.bus"
    hint = "See that the broker answers and that ETHOPS_TELEMETRY_BUS names it; nothing is lost."
