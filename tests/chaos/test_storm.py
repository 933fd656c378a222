"""Two hundred alerts of one cause in five seconds: one incident, one triage, nothing lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.chaos import evidence
from tests.chaos.history import check
from tests.chaos.stack import OPEN, Stack, running, wait_for
from tests.chaos.world import Sink, World, delivery

# Two stacks at once would only wait for each other.
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(180),
]

ALERTS = 200
SECONDS = 5.0
SENDERS = 8
CI = "storm-queue"


def test_a_storm_of_one_cause_is_one_incident(tmp_path: Path):
    sink = Sink()
    world = World(home=tmp_path, services={}, directories=(), plain=(CI,))
    with running(
        lease_seconds=10,
        keep_logs=tmp_path,
        write_site=lambda path: world.write_site(path, sink.url),
    ) as stack:
        answers = send(stack)
        assert answers == [httpx.codes.ACCEPTED] * ALERTS
        assert wait_for(lambda: stack.count(OPEN) == 0, seconds=60)
        with stack.connect() as link:
            history = evidence.gather(
                link,
                accepted=[fingerprint(number) for number in range(ALERTS)],
                posts=sink.posts,
                plays=stack.layout.state / "plays",
                restarts={},
            )
            runs = link.execute(
                "SELECT card_id, count(*) FROM public.personas_run GROUP BY 1 ORDER BY 1"
            ).fetchall()
            repeats = link.execute("SELECT repeats FROM public.tickets_ticket").fetchall()
            chain = evidence.verify_chain(link)
    sink.close()

    decisions = sorted(event.decision for event in history.events)
    assert decisions == ["folded"] * (ALERTS - 1) + ["opened"]
    assert [ticket.state for ticket in history.tickets] == ["escalated"]
    assert runs == [("incident_responder", 1), ("triage", 1)]
    assert repeats == [(ALERTS - 1,)]
    assert check(history).wrong == ()
    assert chain.whole, chain.findings


def send(stack: Stack) -> list[int]:
    """Deliver every alert at its time, in as many requests; return the answers."""
    began = time.monotonic()

    def one_sender(first: int) -> list[int]:
        with stack.client() as client:
            return [post(client, number, began) for number in range(first, ALERTS, SENDERS)]

    with ThreadPoolExecutor(SENDERS) as senders:
        return [code for codes in senders.map(one_sender, range(SENDERS)) for code in codes]


def post(client: httpx.Client, number: int, began: float) -> int:
    """Deliver one alert at its time."""
    time.sleep(max(0.0, began + number * SECONDS / ALERTS - time.monotonic()))
    body = delivery("QueueStuck", fingerprint(number), ci=CI, pod=f"pod-{number}")
    return client.post("/api/v1/webhooks/alertmanager", json=body).status_code


def fingerprint(number: int) -> str:
    """The fingerprint of one of the alerts."""
    return f"{number:016x}"
