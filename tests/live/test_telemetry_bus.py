"""Observers over a real RabbitMQ: the bus's contract, and what is left when things are killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest

from adapters.telemetry.bus import Reader
from adapters.telemetry.errors import BusError
from adapters.telemetry.exchange import Place
from adapters.telemetry.publishing import Publisher
from ethops.env import CLONE
from tests.contract.conftest import become  # noqa: F401 - a fixture
from tests.contract.test_telemetry_bus import (  # noqa: F401 - the contract's tests, run here too
    bus,
    declared,
    hearing,
    line,
    ports,
    publish,
    test_a_host_may_have_dots_in_its_name,
    test_lines_of_a_host_that_nobody_declared_are_a_dead_letter,
    test_nobody_speaks_for_another_host,
    test_what_cannot_be_read_is_a_dead_letter,
    test_what_does_not_follow_is_taken_and_the_gap_is_known,
    test_what_is_published_is_taken_in_order,
    test_what_is_published_twice_is_taken_once,
    test_what_was_published_before_anybody_heard_is_there,
)
from tests.doubles.rabbit import OBSERVER, Rabbit, rabbit
from tests.live.parts import RABBIT, Part
from tests.servers import Servers
from tests.waiting import eventually

Hear: TypeAlias = Callable[[], AbstractContextManager["subprocess.Popen[bytes]"]]
# A broker takes a quarter of a minute to start, and some start it thrice.
pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
KILLS = 3
PATIENCE = 60.0
"""Seconds: a broker that has just started finds the leaders of its queues first."""


@pytest.fixture(scope="module")
def broker(
    need: Callable[[Part], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rabbit]:
    need(RABBIT)
    with rabbit(tmp_path_factory.mktemp("rabbit")) as made:
        yield made


@pytest.fixture
def place(declared: None, broker: Rabbit) -> Iterator[Place]:  # noqa: F811
    """An empty bus."""
    made = Place(broker.url)
    yield made
    with made.connection() as link:
        for queue in (made.queue(), made.dead()):
            bound = queue(link.default_channel)
            bound.declare()
            bound.purge()


def test_who_may_publish_for_one_host_may_not_for_another(bus: Place, broker: Rabbit) -> None:  # noqa: F811
    own = Place(broker.url_of(OBSERVER))
    publish(own, 1, after="", position="a")
    eventually(lambda: ports() == [1])
    with pytest.raises(BusError, match="web-01"):
        publish(own, 2, after="", position="a", host="web-01.example")


def test_without_a_queue_nothing_counts_as_published(place: Place) -> None:
    with hearing(place):
        pass
    with place.connection() as link:
        place.queue()(link.default_channel).delete()
    with pytest.raises(BusError, match="nobody hears"):
        publish(place, 1, after="", position="a")


@pytest.fixture
def hear(place: Place, servers: Servers, database_name: str, tmp_path: Path) -> Hear:
    """`hear()` starts the process that the house starts."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ethops.settings",
        "ETHOPS_PROCESS": "telemetry",
        "ETHOPS_STATE": str(tmp_path),
        "ETHOPS_TELEMETRY_BUS": place.url,
        "DATABASE_URL": servers.dsn("ethops_app", database_name),
    }
    command = [sys.executable, "-m", "django", "telemetry", "hear"]

    @contextmanager
    def run() -> Iterator["subprocess.Popen[bytes]"]:
        with subprocess.Popen(command, cwd=CLONE, env=environment) as child:
            try:
                yield child
            finally:
                child.kill()

    return run


def test_killed_with_its_hands_full_it_takes_each_parcel_once(
    place: Place, hear: Hear, role: Callable
) -> None:
    with hearing(place):
        pass
    held: psycopg.Connection = role("app")
    onlooker: psycopg.Connection = role("app")  # a transaction sees the same activity throughout
    written = 0
    for _ in range(KILLS):
        with held.transaction():
            # Whoever takes one waits for this row: it dies with a parcel half taken.
            held.execute("SELECT 1 FROM telemetry_observer WHERE host = 'there' FOR UPDATE")
            with hear() as child:
                for _ in range(20):
                    written += 1
                    publish(place, written, after=f"p{written - 1}" if written > 1 else "",
                            position=f"p{written}")  # fmt: skip
                eventually(lambda: waits(onlooker), 60, "for who takes a parcel")
                child.kill()
                child.wait()
        with hear():
            eventually(lambda: written in ports(), 60, "for what was in its hands")  # noqa: B023 - waited for at once
    assert ports() == list(range(1, written + 1))
    assert not Reader().dead_letters(datetime.now(UTC) - timedelta(hours=1))


def waits(link: psycopg.Connection) -> bool:
    found = link.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database() AND application_name = 'ethops telemetry'"
    ).fetchone()
    return bool(found and found[0])


def sent(place: Place, port: int, *, after: str, position: str) -> None:
    """Send as an observer does: what a broker does not take in time is sent again."""
    lines = [line(port)]

    def taken() -> bool:
        try:
            with Publisher(place) as publisher:
                publisher.publish("there", lines, after=after, position=position, complete=True)
        except BusError:
            return False
        return True

    eventually(taken, PATIENCE, "for a broker that takes it")


def settled(broker: Rabbit) -> Place:
    """Have its queues made, and written down: for up to three minutes it only has them in mind."""
    place = Place(broker.url)
    with hearing(place):
        pass
    broker.stop()
    broker.start()
    return place


def test_a_broker_that_is_killed_has_what_it_confirmed(
    declared: None,  # noqa: F811
    need: Callable[[Part], Path],
    tmp_path: Path,
) -> None:
    need(RABBIT)
    with rabbit(tmp_path) as broker:
        place = settled(broker)
        with hearing(place):
            sent(place, 1, after="", position="a")
            eventually(lambda: ports() == [1], PATIENCE)
        sent(place, 2, after="a", position="b")
        with hearing(place), Publisher(place) as publisher:
            eventually(lambda: ports() == [1, 2], PATIENCE)
            broker.kill()
            with pytest.raises(BusError):
                publisher.publish("there", [], after="b", position="b", complete=True)
            broker.start()
            # The listener found back by itself.
            sent(place, 3, after="b", position="c")
            eventually(lambda: ports() == [1, 2, 3], PATIENCE)


def test_what_was_confirmed_is_there_after_a_power_cut(
    declared: None,  # noqa: F811
    need: Callable[[Part], Path],
    tmp_path: Path,
) -> None:
    need(RABBIT)
    with rabbit(tmp_path) as broker:
        place = settled(broker)
        for number in range(1, 21):
            sent(place, number, after=f"p{number - 1}", position=f"p{number}")
        broker.kill()
        broker.start()
        with hearing(place):
            eventually(lambda: ports() == list(range(1, 21)), PATIENCE)
