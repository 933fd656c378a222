"""The telemetry contract over a bus: here over Redis, live over RabbitMQ (tests/live)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections
from kombu import Producer

from adapters import site, site_rows
from adapters.telemetry.bus import Reader
from adapters.telemetry.errors import BusError
from adapters.telemetry.exchange import EXCHANGE, Place
from adapters.telemetry.listening import Listener
from adapters.telemetry.models import DeadLetter, Parcel
from adapters.telemetry.parcels import Parcel as Sent
from adapters.telemetry.parcels import pack
from adapters.telemetry.publishing import Publisher
from tests.waiting import eventually

OURS = "SHA256:" + "o" * 43
SITE = f"""
hosts: [{{name: there}}, {{name: web-01.example}}]
keys: [{{name: executor, fingerprint: "{OURS}", accounts: [deploy]}}]
observers: [{{host: there, source: pushed}}, {{host: web-01.example, source: pushed}}]
"""


@pytest.fixture
def declared(become: Callable[[str], None], tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    found = site.read(file)
    assert found.value is not None, found.faults
    become("owner")
    site_rows.apply(found.value)
    become("app")


@pytest.fixture
def place(declared: None, redis_url: str) -> Place:
    return Place(redis_url)


@pytest.fixture
def bus(place: Place) -> Iterator[Place]:
    """A bus that somebody hears."""
    with hearing(place):
        yield place


@contextmanager
def hearing(place: Place) -> Iterator[None]:
    stop = threading.Event()

    def hear() -> None:
        try:
            Listener(place).run(stop)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hear, name="hearing")
    thread.start()
    try:
        with place.connection() as link:
            # Whoever comes first makes it; without it nothing could be published.
            place.queue()(link.default_channel).declare()
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def line(port: int) -> str:
    at = datetime.now(UTC).isoformat()
    said = f"Accepted publickey for deploy from 10.9.0.5 port {port} ssh2: ED25519 {OURS}"
    return f"{at} there sshd[9]: {said}"


def publish(place: Place, *ports: int, after: str, position: str, host: str = "there") -> None:
    with Publisher(place) as publisher:
        lines = [line(port) for port in ports]
        publisher.publish(host, lines, after=after, position=position, complete=True)


def send(
    place: Place, body: bytes, key: str = "telemetry.there.lines", name: str = "", **headers: object
) -> None:
    """What somebody sends who is no observer of ours."""
    with place.connection() as link:
        place.queue()(link.default_channel).declare()
        Producer(link.default_channel).publish(
            body, exchange=EXCHANGE.name, routing_key=key, message_id=name or "0" * 64,
            content_type="application/json", content_encoding="utf-8", headers=headers,
        )  # fmt: skip


def ports(host: str = "there") -> list[int]:
    return [use.port for use in Reader().uses(host, datetime.now(UTC) - timedelta(hours=1))]


def observer(host: str = "there"):
    return next(one for one in Reader().observers() if one.host == host)


def test_what_is_published_is_taken_in_order(bus: Place) -> None:
    publish(bus, 1, 2, after="", position="a")
    publish(bus, 3, after="a", position="b")
    eventually(lambda: ports() == [1, 2, 3])
    assert observer().gap_from is None


def test_a_host_may_have_dots_in_its_name(bus: Place) -> None:
    publish(bus, 5, after="", position="a", host="web-01.example")
    eventually(lambda: ports("web-01.example") == [5])


def test_what_is_published_twice_is_taken_once(bus: Place) -> None:
    with Publisher(bus) as publisher:
        lines = [line(1)]
        for _ in range(3):
            publisher.publish("there", lines, after="", position="a", complete=True)
    publish(bus, 2, after="a", position="b")
    eventually(lambda: 2 in ports())
    assert ports() == [1, 2]
    assert Parcel.objects.count() == 2


def test_what_does_not_follow_is_taken_and_the_gap_is_known(bus: Place) -> None:
    publish(bus, 1, after="", position="a")
    publish(bus, 3, after="b", position="c")
    eventually(lambda: ports() == [1, 3])
    assert observer().gap_from


@pytest.mark.parametrize(
    ("body", "key", "why"),
    [
        (b"{", "telemetry.there.lines", "its body is none of ours"),
        (b"\xff\x00" * 4000, "telemetry.there.lines", "its body is none of ours"),
        (b"{}", "telemetry.there.other", "no routing key"),
        (b"[" * 100_000, "telemetry.there.lines", "its body is none of ours"),
    ],
    ids=["no JSON", "no text", "no host's lines", "nested without end"],
)
def test_what_cannot_be_read_is_a_dead_letter(bus: Place, body: bytes, key: str, why: str) -> None:
    send(bus, body, key)
    publish(bus, 1, after="", position="a")
    eventually(DeadLetter.objects.exists)
    (letter,) = Reader().dead_letters(datetime.now(UTC) - timedelta(hours=1))
    assert (letter.routing_key, letter.size) == (key, len(body))
    assert why in letter.why
    assert len(DeadLetter.objects.get().raw) <= 4096
    eventually(lambda: ports() == [1], told="for what came behind it")


def test_lines_of_a_host_that_nobody_declared_are_a_dead_letter(bus: Place) -> None:
    publish(bus, 1, after="", position="a", host="nowhere")
    letter = eventually(DeadLetter.objects.first)
    assert "no observer" in letter.why.lower()
    assert not Parcel.objects.exists(), "it may come again once it is declared"


def test_nobody_speaks_for_another_host(bus: Place) -> None:
    body = b'{"v":1,"host":"there","lines":[],"after":"","position":"","complete":true,"sent_at":1}'
    send(bus, body, "telemetry.web-01.example.lines")
    letter = eventually(DeadLetter.objects.first)
    assert "speaks of" in letter.why


def test_a_host_that_says_how_it_died_speaks_for_itself_alone(bus: Place) -> None:
    """The key of a death stands in headers, and these are the sender's own."""
    parcel = Sent("there", (line(9),), "", "a", complete=True, sent_at=1)
    death = {"queue": "q", "reason": "rejected", "routing-keys": [parcel.routing_key]}
    body = pack(parcel)
    send(bus, body, "telemetry.web-01.example.lines", parcel.id, **{"x-death": [death]})
    letter = eventually(DeadLetter.objects.first)
    assert (ports(), Parcel.objects.exists(), letter.size) == ([], False, len(body))


def test_a_sign_of_life_is_seen_each_time(bus: Place) -> None:
    for at in (1_000, 2_000):
        parcel = Sent("there", (), "", "", complete=True, sent_at=at)
        send(bus, pack(parcel), name=parcel.id)
        eventually(lambda: observer().read_at == datetime.fromtimestamp(at, UTC))  # noqa: B023 - waited for at once


def test_more_than_a_message_may_hold_is_not_sent(bus: Place) -> None:
    with Publisher(bus) as publisher, pytest.raises(BusError, match="fewer lines"):
        publisher.publish("there", ["x" * 60_000] * 20, after="", position="a", complete=True)


def test_what_was_published_before_anybody_heard_is_there(place: Place) -> None:
    with hearing(place):
        pass
    publish(place, 1, after="", position="a")
    with hearing(place):
        eventually(lambda: ports() == [1])


def test_who_publishes_is_told_that_the_bus_is_away(tmp_path: Path) -> None:
    for url in ("amqp://127.0.0.1:1//", "redis://127.0.0.1:1/0"):
        with pytest.raises(BusError), Publisher(Place(url)):
            pass
