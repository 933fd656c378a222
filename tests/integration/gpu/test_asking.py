"""A step asks a model through gate and queue, waits by ending, and goes on by its answer."""

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from gpu.tiers import Tier
from personas import gate
from tests.integration.gpu.house import House
from tests.waiting import eventually

BY_MODEL = "ops-8b (ops-8b)"
INPUTS = {
    "first_question": "triage",
    "escalates_to": "people",
    "alert": {"name": "Strange", "severity": "warning", "symptom": "", "summary": "it is strange"},
}


@pytest.fixture(scope="module")
def peopled(house: House) -> House:
    """The real processes in a row: control, agent, recorder and the card's worker."""
    house.keeper.end()
    house.add_card()
    house.declare()
    for name in ("control", "agent"):
        house.start(name)
    house.worker()
    return house


@pytest.fixture(scope="module")
def recorder(peopled: House) -> "subprocess.Popen[bytes]":
    """The recorder, which a test may stop for a while."""
    return peopled.start("recorder")


@pytest.fixture
def desk(peopled: House, recorder: "subprocess.Popen[bytes]") -> Iterator[House]:
    """The house; nothing is asked before and after."""
    yield peopled
    recorder.send_signal(signal.SIGCONT)
    peopled.calm()
    eventually(lambda: is_quiet(peopled))


def taken(house: House, ref: str) -> None:
    """Let a person take a ticket: its runs end, and no further one is born."""
    house.owner("UPDATE tickets_ticket SET state = 'closed' WHERE ref = %s", ref)
    gate.take_over(ticket_ref=ref, person="ada", why="mine")


def is_quiet(house: House) -> bool:
    """End what runs; tell whether nobody will ask any more."""
    for (ref,) in house.owner("SELECT ticket_ref FROM personas_run WHERE ended_at IS NULL"):
        taken(house, ref)
    return not house.owner(
        "SELECT 1 FROM audit_work WHERE state IN ('waiting', 'ready', 'leased')"
        " AND kind IN ('step', 'dispatch', 'inference')"
        # A step whose run has ended is cleared away when its own time has come.
        " AND not_before < clock_timestamp() + interval '2 seconds'"
        " UNION ALL SELECT 1 FROM personas_run WHERE ended_at IS NULL"
    )


def bear(house: House) -> tuple[UUID, str]:
    """Let a run be born for a ticket; its id, and the ticket."""
    ref = f"A-{uuid4().hex[:8]}"
    house.owner(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, priority, impact, urgency)"
        " VALUES (%s, 'incident', 'strange', 'P4', 3, 3)",
        ref,
    )
    link = house.connect("app")
    row = link.execute(
        "SELECT gate.dispatch('triage', %s, 3, '[]', 'none', %s::jsonb, %s)",
        [ref, json.dumps(INPUTS), ref],
    ).fetchone()
    assert row is not None
    return row[0], ref


def asked(house: House, run: UUID) -> UUID:
    """The job of a run's first question, once it is there."""
    found = eventually(lambda: house.owner("SELECT id FROM gpu_job WHERE run = %s", run))
    return UUID(str(found[0][0]))


def answered(house: House, run: UUID) -> dict[str, Any]:
    """The recorded answer of a run's first step."""
    (row,) = eventually(
        lambda: house.owner(
            "SELECT answer FROM personas_step WHERE run_id = %s AND number = 1"
            " AND answer <> '{}' AND answer IS NOT NULL",
            run,
        )
    )
    found: dict[str, Any] = row[0]
    return found


def test_a_models_answer_is_the_steps_answer(desk: House) -> None:
    run, _ = bear(desk)
    answer = answered(desk, run)
    assert answer["engine"] == BY_MODEL
    job = desk.job(asked(desk, run))
    assert (job["state"], job["kind"], job["tier"]) == ("done", "question", "ops")
    assert job["answer"]["choice"] == answer["choice"]


def test_the_answer_wakes_the_step(desk: House) -> None:
    run, _ = bear(desk)
    job_id = asked(desk, run)
    answered(desk, run)
    ((waited,),) = desk.owner(
        "SELECT extract(epoch FROM w.claimed_at - j.finished_at)::float8 FROM audit_work w,"
        " gpu_job j WHERE w.id = j.wakes AND j.id = %s",
        job_id,
    )
    assert waited < 10, "its own timer would have been minutes"


def test_a_question_is_recorded_before_it_can_be_claimed(
    desk: House, recorder: "subprocess.Popen[bytes]"
) -> None:
    recorder.send_signal(signal.SIGSTOP)
    run, _ = bear(desk)
    job_id = asked(desk, run)
    assert desk.job(job_id)["state"] == "waiting"
    fence = desk.card()["fence"]
    claim = "SELECT * FROM gpu.claim_job('card0', %s, %s, 60)"
    assert desk.connect("gpu").execute(claim, [fence, job_id]).fetchone() is None
    recorder.send_signal(signal.SIGCONT)
    answered(desk, run)
    ((seq, at, started),) = desk.owner(
        "SELECT w.entry_seq, e.at, j.started_at FROM audit_work w JOIN gpu_job j ON j.id = w.id"
        " JOIN audit_entry e ON e.seq = w.entry_seq AND e.kind = 'inference.asked' WHERE w.id = %s",
        job_id,
    )
    assert seq is not None
    assert at < started


def test_nonsense_is_asked_about_once_more(desk: House) -> None:
    desk.fault("wrong_answer", model="ops-8b")
    run, _ = bear(desk)
    assert answered(desk, run)["engine"] == BY_MODEL
    assert desk.job(asked(desk, run))["attempts"] == 1


def test_nonsense_twice_is_answered_by_the_rules_with_its_reason(desk: House) -> None:
    desk.fault("wrong_answer", model="ops-8b", times=2)
    run, _ = bear(desk)
    answer = answered(desk, run)
    assert (answer["choice"], answer["rule"]) == ("escalate", "triage-not-joined")
    assert answer["engine"] == "rules (ops-8b gave no answer)"
    assert answer["why"][-1].endswith("inference.malformed_answer")
    assert desk.job(asked(desk, run))["answer"] is None


def test_a_person_who_takes_the_ticket_ends_the_question(desk: House) -> None:
    busy = desk.ask(tier=Tier.OPS, slot="reason-14b", tokens=80_000)
    desk.begun(busy)
    run, ref = bear(desk)
    job_id = asked(desk, run)
    eventually(lambda: desk.job(job_id)["state"] == "ready")
    taken(desk, ref)
    row = desk.ended(job_id)
    assert (row.state, row.error_code) == ("cancelled", "gpu.cancelled")
    assert desk.job(job_id)["started_at"] is None


def test_a_question_that_runs_is_stopped_when_a_person_takes_the_ticket(desk: House) -> None:
    desk.fault("hang", model="ops-8b", after_tokens=3)
    run, ref = bear(desk)
    job_id = asked(desk, run)
    desk.begun(job_id)
    taken(desk, ref)
    assert desk.ended(job_id).state == "cancelled"


def test_a_server_that_dies_under_a_question_is_asked_again(desk: House) -> None:
    desk.fault("cut", model="ops-8b", after_tokens=3)
    run, _ = bear(desk)
    assert answered(desk, run)["engine"] == BY_MODEL
    assert desk.job(asked(desk, run))["attempts"] == 2


def test_the_ledger_has_question_and_cost(desk: House) -> None:
    run, ref = bear(desk)
    answered(desk, run)
    job_id = asked(desk, run)
    found = eventually(
        lambda: rows if len(rows := desk.owner(
            "SELECT kind, ticket_ref, body FROM audit_entry WHERE subject = %s ORDER BY seq",
            str(job_id),
        )) == 2 else []
    )  # fmt: skip
    assert [row[:2] for row in found] == [("inference.asked", ref), ("inference.done", ref)]
    cost = json.loads(bytes(found[1][2]))["body"]
    assert (cost["run"], cost["step"], cost["slot"]) == (str(run), 1, "ops-8b")
    assert cost["tokens_in"] > 100
