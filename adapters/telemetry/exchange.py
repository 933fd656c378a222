"""What stands on the bus: one durable topic exchange, its queue, and where dead letters go.

RabbitMQ keeps all of it; over Redis the same names do, without its limits and without its rights.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

from kombu import Connection, Exchange, Queue
from kombu.exceptions import OperationalError

NAME: Final = "ethops.telemetry"
DEAD: Final = "ethops.telemetry.dead"
ALL: Final = "telemetry.#"
TIMEOUT_S: Final = 5
HEARTBEAT_S: Final = 20
"""So long a broker that fell silent is believed to be there, twice."""
MOST_WAITING: Final = 100_000
MOST_WAITING_BYTES: Final = 512 * 1024 * 1024
"""A full queue refuses what is sent, so that it waits with the observer, and is not lost."""
MOST_DEAD: Final = 1_000
MOST_DELIVERIES: Final = 20
"""A message that so many readers died over is dead itself; a loss of the connection counts too."""
OLDEST_MS: Final = 3 * 24 * 3600 * 1000
"""What nobody read for so long is dead; what was taken is remembered for longer."""

EXCHANGE: Final = Exchange(NAME, type="topic", durable=True)
DEAD_EXCHANGE: Final = Exchange(DEAD, type="topic", durable=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bus is; `unacked_s` is when Redis gives out again what nobody acknowledged."""

    url: str
    unacked_s: float = 60.0

    @property
    def is_amqp(self) -> bool:
        """Whether a real broker is behind it, with limits and dead letters of its own."""
        return self.url.startswith(("amqp:", "amqps:"))

    def faults(self, connection: Connection) -> tuple[type[Exception], ...]:
        """Return what says that the bus is away, or refuses."""
        kinds = (*connection.connection_errors, *connection.channel_errors)
        return (OperationalError, *cast("tuple[type[Exception], ...]", kinds))

    def connection(self, *, heartbeat_s: int = 0) -> Connection:
        """Return a connection that is opened when it is first used.

        With a heartbeat only for who looks after it: the broker cuts others off in between.
        """
        options: dict[str, Any] = {"confirm_publish": True, "read_timeout": 2 * HEARTBEAT_S}
        if not self.is_amqp:
            options = {
                # Celery keeps one index of unacknowledged messages per database.
                "global_keyprefix": "ethops.telemetry:",
                "visibility_timeout": self.unacked_s,
                "unacked_restore_interval": 1,
                "polling_interval": 0.2,
            }
        return Connection(
            self.url,
            connect_timeout=TIMEOUT_S,
            heartbeat=heartbeat_s if self.is_amqp else 0,
            transport_options=options,
        )

    def queue(self) -> Queue:
        """Return the queue of what observers send."""
        limits = {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": DEAD,
            "x-delivery-limit": MOST_DELIVERIES,
            "x-max-length": MOST_WAITING,
            "x-max-length-bytes": MOST_WAITING_BYTES,
            "x-overflow": "reject-publish",
            "x-message-ttl": OLDEST_MS,
        }
        return Queue(NAME, EXCHANGE, ALL, durable=True, queue_arguments=self._if_amqp(limits))

    def dead(self) -> Queue:
        """Return the queue of dead letters; the oldest go where nobody fetches them."""
        limits = {"x-queue-type": "quorum", "x-max-length": MOST_DEAD}
        return Queue(DEAD, DEAD_EXCHANGE, "#", durable=True, queue_arguments=self._if_amqp(limits))

    def _if_amqp(self, limits: dict[str, Any]) -> dict[str, Any] | None:
        return limits if self.is_amqp else None
