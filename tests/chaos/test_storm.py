"""A thousand alerts of one cause, and a power cut: one incident each, nothing lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos import evidence, room
from tests.chaos.history import check
from tests.chaos.stack import OPEN, Stack, running, wait_for
from tests.chaos.world import Sink, World, delivery

# Two stacks at once would only wait for each other.
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(400),
]

ALERTS = 1_000
SECONDS = 10.0
CUT_SECONDS = 30.0
"""The bench takes the two minutes that it takes in the world."""
SETTLE = 10
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
        answers = send(stack, storm(), SECONDS)
        assert answers == [httpx.codes.ACCEPTED] * ALERTS
        assert wait_for(lambda: stack.count(OPEN) == 0, seconds=180)
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


def test_a_power_cut_is_one_incident_with_its_root_first(tmp_path: Path):
    sink = Sink()
    with running(
        lease_seconds=10,
        keep_logs=tmp_path,
        write_site=lambda path: room.write_site(path, sink.url),
    ) as stack:
        with stack.connect("app") as link:
            link.execute("UPDATE public.desk_eventpolicy SET settle_s = %s", [SETTLE])
        answers = send(stack, [body for _, body in room.bodies(seed=7)], CUT_SECONDS)
        assert answers == [httpx.codes.ACCEPTED] * room.ALERTS
        assert wait_for(lambda: stack.count(GROWING) == 0, seconds=180)
        with stack.connect() as link:
            storms = link.execute("SELECT ticket_ref FROM public.desk_storm").fetchall()
            great = link.execute(
                "SELECT ref, title, priority FROM public.tickets_ticket WHERE parent_id IS NULL"
                " AND ticket_class = 'incident'"
            ).fetchall()
            placed = link.execute(
                "SELECT count(*) FROM public.desk_event WHERE ticket_ref <> ''"
            ).fetchone()
            chain = evidence.verify_chain(link)
        assert wait_for(lambda: bool(sink.posts), seconds=30)
    sink.close()

    ((ref, title, priority),) = great
    assert storms == [(ref,)]
    assert (title.split(" may be the root")[0], priority) == (f"{room.ROOT} (power)", "P1")
    assert placed == (room.ALERTS,)
    assert chain.whole, chain.findings


GROWING = """
SELECT (SELECT count(*) FROM public.desk_delivery WHERE state = 'stored')
     + (SELECT count(*) FROM public.desk_storm WHERE settled_at IS NULL)
     + (SELECT count(*) FROM public.audit_pending)
"""
"""How much of a storm is still to come."""


def storm() -> list[dict[str, Any]]:
    """A thousand alerts of one cause."""
    return [
        delivery("QueueStuck", fingerprint(number), ci=CI, pod=f"pod-{number}")
        for number in range(ALERTS)
    ]


def send(stack: Stack, bodies: list[dict[str, Any]], seconds: float) -> list[int]:
    """Deliver every alert at its time, in as many requests; return the answers."""
    began = time.monotonic()

    def one_sender(first: int) -> list[int]:
        with stack.client() as client:
            return [post(client, number) for number in range(first, len(bodies), SENDERS)]

    def post(client: httpx.Client, number: int) -> int:
        due = began + number * seconds / len(bodies)
        time.sleep(max(0.0, due - time.monotonic()))
        return client.post("/api/v1/webhooks/alertmanager", json=bodies[number]).status_code

    with ThreadPoolExecutor(SENDERS) as senders:
        return [code for codes in senders.map(one_sender, range(SENDERS)) for code in codes]


def fingerprint(number: int) -> str:
    """The fingerprint of one of the alerts."""
    return f"{number:016x}"
