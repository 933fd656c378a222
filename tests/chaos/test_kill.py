"""Sixty tickets and six repairs while processes are killed: nothing lost, twice or unrecorded."""

import json
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from ethops.stack.errors import NotRunningError
from tests.chaos import evidence, faults
from tests.chaos.history import Findings, History, check
from tests.chaos.stack import OPEN, Stack, running, wait_for
from tests.chaos.world import Sink, World, delivery

# Two stacks at once would only wait for each other.
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(240),
]

SEED = int(os.environ.get("CHAOS_SEED", "20260504"))
TICKETS = 60
REPAIRS = 6
KILLING_SECONDS = 25.0
SETTLING_SECONDS = 80.0
LEASE_SECONDS = 4
SENDERS = 2
LOOK_SECONDS = 2
PATIENCE_SECONDS = 15


@dataclass(slots=True)
class Producer:
    """Delivers each alert again and again until its commit is confirmed."""

    stack: Stack
    due: "queue.SimpleQueue[tuple[float, str, dict]]" = field(default_factory=queue.SimpleQueue)
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, begun: float) -> None:
        """Deliver what is due; each thread ends when nothing is left."""
        for _ in range(SENDERS):
            thread = threading.Thread(target=self._deliver, args=(begun,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def join(self, seconds: float) -> None:
        """Wait until everything is confirmed."""
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _deliver(self, begun: float) -> None:
        while True:
            try:
                at, fingerprint, body = self.due.get_nowait()
            except queue.Empty:
                return
            time.sleep(max(0.0, begun + at - time.monotonic()))
            self.deliver(fingerprint, body)

    def deliver(self, fingerprint: str, body: dict) -> None:
        """Send it until it is confirmed."""
        while not self._confirmed(fingerprint, body):
            time.sleep(0.3)

    def _confirmed(self, fingerprint: str, body: dict) -> bool:
        # A new connection each time, as senders behind a balancer have it.
        with suppress(httpx.HTTPError), self.stack.client() as client:
            answer = client.post("/api/v1/webhooks/alertmanager", json=body)
            if answer.status_code == httpx.codes.ACCEPTED:
                self.accepted.append(fingerprint)
                return True
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.refused.append(f"{answer.status_code} {answer.text[:200]}")
        return False


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


def promote(stack: Stack) -> None:
    """Let the responder act here, and look for less long whether it helped."""
    with stack.connect("app") as link:
        for entry, ci_class in (
            ("restart_service", "demo_service"),
            ("clean_directory", "demo_directory"),
            # Where probes have gone silent with what was killed, the host is looked at first.
            ("collect_diagnostics", "demo_service"),
            ("collect_diagnostics", "demo_directory"),
        ):
            link.execute(
                "SELECT gate.set_autonomy('incident_responder', %s, %s, 'act', 'chaos', 'a test',"
                " true)",
                [entry, ci_class],
            )
    with stack.connect("owner") as link:
        link.execute(
            "UPDATE public.personas_catalogueentry SET document = document || jsonb_build_object("
            "'verification', jsonb_build_object('window_s', %s::int, 'patience_s', %s::int))",
            [LOOK_SECONDS, PATIENCE_SECONDS],
        )


def alerts(world: World, producer: Producer) -> None:
    """Spread the sixty alerts; every third means a CI for which nothing can be done."""
    for number in range(TICKETS):
        fingerprint = f"{number:016x}"
        plain = {"ci": f"chaos-queue-{number}"}
        labels = plain if number % 3 == 0 else {"instance": f"host-{number}"}
        body = delivery(f"Chaos{number}", fingerprint, **labels)
        producer.due.put((number * (KILLING_SECONDS - 5) / TICKETS, fingerprint, body))


def hurt(world: World, producer: Producer, begun: float) -> None:
    """Break the six CIs one after the other; an outer monitor sees it before our own does."""
    broken = [
        *((world.freeze, name, "PageNotWell", "no_answer") for name in world.services),
        *((world.fill, name, "DirectoryTooFull", "over_threshold") for name in world.directories),
    ]
    for number, (harm, name, alertname, symptom) in enumerate(broken):
        time.sleep(max(0.0, begun + 2.5 * number - time.monotonic()))
        harm(name)
        fingerprint = f"{TICKETS + number:016x}"
        body = delivery(alertname, fingerprint, symptom=symptom, ci=name)
        producer.deliver(fingerprint, body)


def kill(stack: Stack, begun: float) -> list[str]:
    """Carry out the plan; return what was done."""
    done = []
    for fault in faults.plan(SEED, KILLING_SECONDS):
        time.sleep(max(0.0, begun + fault.at - time.monotonic()))
        try:
            if fault.what == faults.WIPE:
                with redis.Redis.from_url(stack.layout.wakeups(), socket_timeout=2) as client:
                    client.flushall()
            else:
                stack.supervisor.kill(fault.what)
        except (NotRunningError, redis.RedisError) as missed:
            done.append(f"{fault.at:.1f} {fault.what} missed: {missed}")
        else:
            done.append(f"{fault.at:.1f} {fault.what}")
    return done


TO_DO = (
    f"{OPEN} + (SELECT count(*) FROM public.monitoring_probe p WHERE NOT EXISTS ("
    "SELECT 1 FROM public.tickets_ticketci c WHERE c.ci_ref = p.ci_ref))"
)
"""A broken CI whose incident is not open yet counts, too."""


def test_nothing_is_lost_twice_or_unrecorded(stack: Stack, world: World, sink: Sink):
    producer = Producer(stack)
    alerts(world, producer)
    began = time.monotonic()
    producer.start(began)
    harm = threading.Thread(target=hurt, args=(world, producer, began), daemon=True)
    harm.start()
    done = kill(stack, began)
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
        still = _still_open(link)

    assert chain.whole, chain.findings
    assert found.wrong == ()
    assert settled, still
    assert (len(producer.accepted), producer.refused) == (TICKETS + REPAIRS, [])
    assert {effect.kind for effect in history.effects} == {"line", "notice", "play"}
    incidents = sum(ticket.ticket_class == "incident" for ticket in history.tickets)
    assert incidents >= TICKETS + REPAIRS


def _still_open(link: psycopg.Connection) -> str:
    work = link.execute(
        "SELECT kind, subject, state, attempts, error FROM public.audit_work"
        " WHERE state NOT IN ('done', 'cancelled', 'failed')"
    ).fetchall()
    tickets = link.execute(
        "SELECT ref, state, title FROM public.tickets_ticket WHERE ticket_class = 'incident'"
        " AND state NOT IN ('resolved', 'closed', 'escalated')"
    ).fetchall()
    runs = link.execute(
        "SELECT card_id, ticket_ref, state, steps, checkpoint FROM public.personas_run"
        " WHERE ended_at IS NULL"
    ).fetchall()
    return json.dumps({"work": work, "tickets": tickets, "runs": runs}, default=str, indent=1)


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
