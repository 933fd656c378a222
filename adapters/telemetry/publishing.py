"""The observer's side of the bus: what is sent was taken by the broker, or is sent again."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kombu import Producer

from adapters.telemetry.errors import BusError
from adapters.telemetry.exchange import EXCHANGE, TIMEOUT_S, Place
from adapters.telemetry.parcels import LARGEST, Parcel, fit, pack

PERSISTENT: Final = 2


class Publisher:
    """Sends parcels, one at a time, each confirmed by the broker and routed to a queue."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection = place.connection()
        self._returned: list[str] = []

    def __enter__(self) -> "Publisher":
        with self._plainly():
            self._connection.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)
            channel = self._connection.default_channel
            if not self._place.is_amqp:
                # Redis knows no message that nobody took: without a queue it would be gone.
                self._place.queue()(channel).declare()
            returned = self._note_returned if self._place.is_amqp else None
            self._producer = Producer(channel, auto_declare=False, on_return=returned)
        return self

    def __exit__(self, *said: object) -> None:
        self._connection.release()

    def publish(
        self, host: str, lines: Sequence[str], *, after: str, position: str, complete: bool
    ) -> None:
        """Send lines; they are on the broker's disk when this returns.

        Raises:
            BusError: the broker is away, refuses it, or has no queue for it: send it again later.
        """
        texts = tuple(map(fit, lines))
        parcel = Parcel(host, texts, after, position, complete, int(time.time()))
        body = pack(parcel)
        if len(body) > LARGEST:
            raise BusError(f"{len(body)} bytes are more than {LARGEST}: send fewer lines at once")
        self._returned.clear()
        with self._plainly():
            self._producer.publish(
                body,
                exchange=EXCHANGE.name,
                routing_key=parcel.routing_key,
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=PERSISTENT,
                message_id=parcel.id,
                mandatory=self._place.is_amqp,
                retry=False,
                timeout=TIMEOUT_S,
            )
        if self._returned:
            raise BusError(f"nobody hears {parcel.routing_key}: {self._returned[0]}")

    def _note_returned(self, *said: Any) -> None:
        self._returned.append(next((str(part) for part in said if isinstance(part, str)), ""))

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except self._place.faults(self._connection) as fault:
            raise BusError(f"the bus does not take it: {fault}") from fault
