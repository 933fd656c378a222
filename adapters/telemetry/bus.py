"""Observers over RabbitMQ, or over Redis: the embedded telemetry, and a listener beside it."""

from typing import Final

from adapters import conf
from adapters.telemetry import embedded, listening, publishing
from adapters.telemetry.exchange import Place
from adapters.telemetry.port import Capability

CAPABILITIES: Final[frozenset[Capability]] = embedded.CAPABILITIES | {"bus"}


class Reader(embedded.Reader):
    """What was heard stands in the same rows, so it is read in the same way."""

    capabilities = CAPABILITIES


class Collector(embedded.Collector):
    """Files of this host are read beside the bus."""


class Receiver(embedded.Receiver):
    """Who can call may still push."""


class Listener(listening.Listener):
    """Hears the bus that the settings name."""

    def __init__(self) -> None:
        super().__init__(Place(**conf.options("telemetry")))


class Publisher(publishing.Publisher):
    """Publishes on the bus that the settings name."""

    def __init__(self) -> None:
        super().__init__(Place(**conf.options("telemetry")))
