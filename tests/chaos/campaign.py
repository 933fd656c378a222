"""What campaigns of kills share: who delivers, who breaks things, who kills, and what is left."""

import json
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psycopg
import redis

from ethops.stack.errors import NotRunningError
from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.stack import OPEN, Stack
from tests.chaos.world import World, delivery

SENDERS = 2
LOOK_SECONDS = 2
PATIENCE_SECONDS = 15

TO_DO = (
    f"{OPEN} + (SELECT count(*) FROM public.monitoring_probe p WHERE NOT EXISTS ("
    "SELECT 1 FROM public.tickets_ticketci c WHERE c.ci_ref = p.ci_ref))"
)
"""A broken CI whose incident is not open yet counts, too."""


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


def promote(stack: Stack, *, patience_s: int = PATIENCE_SECONDS, an_hour: int = 6) -> None:
    """Let the responder act here so often, and say how long it looks whether it helped."""
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
            "UPDATE public.personas_catalogueentry SET max_per_hour = greatest(max_per_hour, %s),"
            " document = document || jsonb_build_object('verification',"
            " jsonb_build_object('window_s', %s::int, 'patience_s', %s::int))",
            [an_hour, LOOK_SECONDS, patience_s],
        )


def hurt(world: World, producer: Producer, begun: float, *, every_s: float, first: int) -> None:
    """Break each CI, one after the other; an outer monitor sees it before our own does."""
    broken = [
        *((world.freeze, name, "PageNotWell", "no_answer") for name in world.services),
        *((world.fill, name, "DirectoryTooFull", "over_threshold") for name in world.directories),
    ]
    for number, (harm, name, alertname, symptom) in enumerate(broken):
        time.sleep(max(0.0, begun + every_s * number - time.monotonic()))
        harm(name)
        body = delivery(alertname, f"{first + number:016x}", symptom=symptom, ci=name)
        producer.deliver(f"{first + number:016x}", body)


def kill(stack: Stack, plan: Sequence[Fault], begun: float) -> list[str]:
    """Carry out the plan; return what was done."""
    done = []
    for fault in plan:
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


def still_open(link: psycopg.Connection) -> str:
    """Name what is not done yet, for whoever reads why it failed."""
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
