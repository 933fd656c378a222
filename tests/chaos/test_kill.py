"""Sixty tickets and six repairs while processes are killed: nothing lost, twice or unrecorded."""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos import evidence, faults
from tests.chaos.campaign import TO_DO, Producer, hurt, kill, promote, still_open
from tests.chaos.history import Findings, History, check
from tests.chaos.stack import Stack, running, wait_for
from tests.chaos.world import Sink, World, delivery

# Two stacks at once would only wait for each other.
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(330),
]

SEED = int(os.environ.get("CHAOS_SEED", "20260504"))
TICKETS = 60
REPAIRS = 6
KILLING_SECONDS = 25.0
# A bound and no measure: the wait ends with the last piece of work. What a killed worker held is
# free once its lease is over and the next poll finds it, several times where its next holder is
# killed too; and on a machine that others use as well all of it takes some times as long.
SETTLING_SECONDS = 160.0
LEASE_SECONDS = 4


@pytest.fixture
def world(tmp_path: Path) -> World:
    from ethops.stack.ports import free_ports

    ports = free_ports()
    return World(
        home=tmp_path,
        services={"chaos-web": ports.web, "chaos-api": ports.flower, "chaos-app": ports.redis},
        directories=("chaos-spool", "chaos-temp", "chaos-dump"),
        # Twenty troubles of one CI in as many seconds would be one incident.
        plain=tuple(f"chaos-queue-{number}" for number in range(0, TICKETS, 3)),
    )


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def stack(world: World, sink: Sink, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as kept:
        kept.enter_context(world.running())
        made = kept.enter_context(
            running(
                lease_seconds=LEASE_SECONDS,
                keep_logs=tmp_path,
                write_site=lambda path: world.write_site(path, sink.url),
            )
        )
        promote(made)
        assert wait_for(world.is_up, seconds=20)
        yield made


def alerts(world: World, producer: Producer) -> None:
    """Spread the sixty alerts; every third means a CI for which nothing can be done."""
    for number in range(TICKETS):
        fingerprint = f"{number:016x}"
        plain = {"ci": f"chaos-queue-{number}"}
        labels = plain if number % 3 == 0 else {"instance": f"host-{number}"}
        body = delivery(f"Chaos{number}", fingerprint, **labels)
        producer.due.put((number * (KILLING_SECONDS - 5) / TICKETS, fingerprint, body))


def test_nothing_is_lost_twice_or_unrecorded(stack: Stack, world: World, sink: Sink):
    producer = Producer(stack)
    alerts(world, producer)
    began = time.monotonic()
    producer.start(began)
    harm = threading.Thread(
        target=hurt, args=(world, producer, began),
        kwargs={"every_s": 2.5, "first": TICKETS}, daemon=True,
    )  # fmt: skip
    harm.start()
    done = kill(stack, faults.plan(SEED, KILLING_SECONDS), began)
    harm.join(30)
    producer.join(30)
    settled = wait_for(lambda: stack.count(TO_DO) == 0, seconds=SETTLING_SECONDS)
    took = time.monotonic() - began - KILLING_SECONDS

    with stack.connect() as link:
        chain = evidence.verify_chain(link)
        history = evidence.gather(
            link,
            accepted=producer.accepted,
            posts=sink.posts,
            plays=stack.layout.state / "plays",
            restarts=world.restarts(),
        )
        found = check(history)
        _tell(done, took, history, found)
        still = still_open(link)

    assert chain.whole, chain.findings
    assert found.wrong == ()
    assert settled, still
    assert (len(producer.accepted), producer.refused) == (TICKETS + REPAIRS, [])
    assert {effect.kind for effect in history.effects} == {"line", "notice", "play"}
    incidents = sum(ticket.ticket_class == "incident" for ticket in history.tickets)
    assert incidents >= TICKETS + REPAIRS


def _tell(done: list[str], took: float, history: History, found: Findings) -> None:
    ends = Counter(f"{ticket.ticket_class} {ticket.state}" for ticket in history.tickets)
    sys.stdout.write(
        f"\nseed {SEED}, {len(done)} faults: {'; '.join(done)}\n"
        f"{dict(ends)}, settled {took:.0f} s after the last kill\n"
        f"{len(history.effects)} effects, {len(history.entries)} ledger entries,"
        f" restarts {history.restarts},"
        f" {history.repeated_posts} posts repeated under their key\n"
        f"in doubt: {list(found.in_doubt)}\n" + "".join(f"WRONG {word}\n" for word in found.wrong)
    )
