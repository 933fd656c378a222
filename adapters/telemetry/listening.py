"""The house's side of the bus: acknowledged is only what is committed."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, cast

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from kombu import Connection, Consumer, Message, Producer
from kombu.transport.base import StdChannel

from adapters.telemetry import taken
from adapters.telemetry.errors import ParcelError, UnknownObserverError
from adapters.telemetry.exchange import DEAD_EXCHANGE, HEARTBEAT_S, TIMEOUT_S, Place
from adapters.telemetry.parcels import unpack

PREFETCH: Final = 16
"""Messages in our hands at once; as many are given out again where we are killed."""
LOOK_S: Final = 0.5
AGAIN_S: Final = 1.0
WHY: Final = "x-ethops-why"
AWAY: Final = (OperationalError, InterfaceError)
"""PostgreSQL is not there now."""

log = logging.getLogger(__name__)


class Listener:
    """Takes parcels in until it is told to stop, through every loss of the broker."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, stop: threading.Event) -> None:
        """Listen; what was not acknowledged when the connection broke comes again."""
        said = ""
        while not stop.is_set():
            # First the database: what we could not keep would be given out to us for nothing.
            if not _can_keep():
                stop.wait(AGAIN_S)
                continue
            connection = self._place.connection(heartbeat_s=HEARTBEAT_S)
            # What is no text in a message's properties is found out while they are read.
            away: tuple[type[Exception], ...] = (
                *(*self._place.faults(connection), *AWAY, UnicodeError),
            )
            try:
                self._listen(connection, stop)
            except away as fault:
                if said != type(fault).__name__:
                    said = type(fault).__name__
                    log.warning("telemetry waits for a server: %s", str(fault).partition("\n")[0])
                stop.wait(AGAIN_S)
            finally:
                _let_go(connection)

    def _listen(self, connection: Connection, stop: threading.Event) -> None:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)
        channel = connection.default_channel
        heard = Consumer(
            channel, [self._place.queue()], on_message=self._take, prefetch_count=PREFETCH
        )
        buried = Consumer(
            connection.channel(), [self._place.dead()], on_message=self._bury,
            prefetch_count=PREFETCH,
        )  # fmt: skip
        with ExitStack() as open_:
            with self._within(connection):
                # Dead letters have a place before the first can die.
                open_.enter_context(buried)
                open_.enter_context(heard)
            while not stop.is_set():
                try:
                    connection.drain_events(timeout=LOOK_S)
                except TimeoutError:
                    if self._place.is_amqp:
                        connection.heartbeat_check()

    @contextmanager
    def _within(self, connection: Connection) -> Iterator[None]:
        """Cut the connection where the broker does not serve us in time.

        A quorum queue without a leader, as just after its broker was killed, never answers who asks
        to be served; and the broker's heartbeats keep that wait from ever being over.
        """
        if not self._place.is_amqp:
            yield
            return
        wire: socket.socket = connection.connection.sock
        cut = threading.Timer(TIMEOUT_S, _cut, [wire])
        cut.start()
        try:
            yield
        finally:
            cut.cancel()

    def _take(self, message: Message) -> None:
        close_old_connections()
        try:
            taken.receive(
                unpack(_raw(message), routing_key=_sent_to(message), message_id=_id(message))
            )
        except (ParcelError, UnknownObserverError) as fault:
            self._refuse(message, str(fault))
        except AWAY:
            raise
        except DatabaseError:
            # It would be refused for ever, and those behind it would wait.
            log.exception("the database refuses a parcel")
            self._refuse(message, "the database refuses what it holds")
        else:
            message.ack()

    def _refuse(self, message: Message, why: str) -> None:
        """Let it die where the broker buries the dead; over Redis we carry it there ourselves."""
        log.warning("a message of the bus is refused: %s", why)
        if self._place.is_amqp:
            message.reject(requeue=False)
            return
        Producer(cast("StdChannel", message.channel), DEAD_EXCHANGE).publish(
            _raw(message),
            routing_key=_sent_to(message),
            message_id=_id(message),
            headers={WHY: why},
            content_type="application/octet-stream",
            content_encoding="binary",
            declare=[self._place.dead()],
            retry=False,
        )
        message.ack()

    def _bury(self, message: Message) -> None:
        close_old_connections()
        raw, key, message_id = _raw(message), _key(message), _id(message)
        taken.bury(raw=raw, routing_key=key, message_id=message_id, why=_why(message, raw))
        message.ack()


def _can_keep() -> bool:
    close_old_connections()
    try:
        taken.forget()
    except AWAY as fault:
        log.warning("telemetry waits for PostgreSQL: %s", str(fault).partition("\n")[0])
        return False
    return True


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):  # it is gone already
        wire.shutdown(socket.SHUT_RDWR)


def _let_go(connection: Connection) -> None:
    """Close it, whatever state it is in."""
    try:
        connection.release()
    except Exception as fault:  # noqa: BLE001 - a dead connection may fail in any way, and is gone
        log.debug("the bus's connection did not close: %s", fault)


def _raw(message: Message) -> bytes:
    body: Any = message.body
    return body if isinstance(body, bytes) else str(body).encode("utf-8", "replace")


def _sent_to(message: Message) -> str:
    """Return the key that the broker's rights were held against; headers are the sender's own."""
    info = cast("dict[str, Any]", message.delivery_info or {})
    return str(info.get("routing_key", ""))


def _key(message: Message) -> str:
    """Return under which key a dead letter was sent, as far as can be told."""
    keys = _death(message).get("routing-keys")
    return str(keys[0]) if isinstance(keys, list) and keys else _sent_to(message)


def _id(message: Message) -> str:
    return str(cast("dict[str, Any]", message.properties or {}).get("message_id") or "")


def _death(message: Message) -> dict[str, Any]:
    """Return what the broker says of a message's death, {} where it lives."""
    headers = cast("dict[str, Any]", message.headers or {})
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, dict) else {}


def _why(message: Message, raw: bytes) -> str:
    """Say why a letter is dead: what we say of it ourselves tells more than the broker does."""
    said = cast("dict[str, Any]", message.headers or {}).get(WHY)
    if said:
        return str(said)
    reason = str(_death(message).get("reason", "nobody knows why"))
    if reason == "rejected":
        try:
            parcel = unpack(raw, routing_key=_key(message), message_id=_id(message))
        except ParcelError as fault:
            return str(fault)
        return f"no observer of pushed lines is declared for {parcel.host!r}"
    return f"the broker gave it up: {reason}"
