"""What a run did is counted whatever it was, and what it waits for is said, whoever keeps it."""

import json

import pytest

from personas.agentops import acts
from tests.integration.personas.approvals.conftest import House, house
from tests.integration.personas.conftest import world

__all__ = ["house", "world"]


def of(run):
    return [(one.kind, one.about, one.held_by) for one in acts.waits() if one.run == run]


def ask_model(world, run):
    """A question of the run that no model has answered yet."""
    owner = world.as_role("owner")
    work = owner.execute(
        "INSERT INTO audit_work (kind, queue, state, subject, priority, max_attempts)"
        " VALUES ('inference', 'ops.mind', 'waiting', 'x', 5, 5) RETURNING id"
    ).fetchone()["id"]
    owner.execute(
        "INSERT INTO gpu_job (id, tier, slot, kind, principal, run, step, request, deadline_at)"
        " VALUES (%s, 'ops', 'mind', 'question', 'run', %s, 1, '{}', now() + interval '1 h')",
        [work, run],
    )


def test_proposals_questions_and_looks_are_counted(house: House, clean_db):
    run = house.run("web-01")
    step = house.step()
    for number in range(3):
        house.propose(step, "ticket.comment", "", step["ticket_ref"], key=f"k{number}", text="x")
    ask_model(house, run)
    assert acts.calls()[run] == acts.Calls(proposals=3, questions=1, looks=1)


def test_each_life_of_a_worker_is_a_look(house: House, clean_db):
    run = house.run("web-01")
    for _ in range(3):
        house.as_role("owner").execute("UPDATE audit_work SET not_before = now()")
        house.finish(house.step())
    assert acts.calls_of(run) == acts.Calls(proposals=0, questions=0, looks=3)


def test_the_event_of_a_run_has_them_too(house: House, clean_db):
    house.run("web-01")
    house.finish(house.step(), "done")
    row = house.one("app", "SELECT tool_call_count, questions, looks FROM agentops_agentevent")
    assert tuple(row.values()) == (0, 0, 1)


def test_who_waits_for_a_person(house: House, clean_db):
    action = house.proposal()["action_id"]
    run = house.value("app", "SELECT id FROM personas_run")
    assert of(run) == [("approval", str(action), None)]


def test_who_waits_for_a_model(house: House, clean_db):
    run = house.run("web-01")
    ask_model(house, run)
    assert of(run) == [("model", "ops.mind", None)]


def test_who_waits_for_a_place_of_the_house(house: House, clean_db):
    house.as_role("owner").execute("UPDATE personas_environment SET max_concurrent = 0")
    assert of(house.run("web-01")) == [("place", "environment operations", None)]


def test_who_waits_for_a_place_of_its_card(house: House, clean_db):
    house.as_role("owner").execute(
        "UPDATE personas_card SET limits = limits || %s", [json.dumps({"max_concurrent": 1})]
    )
    house.run("web-01")
    assert of(house.run("db-01")) == [("place", "card responder", None)]


@pytest.mark.parametrize(
    ("act", "waits"), [("pause", [("paused", "ada", None)]), ("cancel", []), ("isolate", [])]
)
def test_who_waits_to_be_let_go_on(house: House, clean_db, act, waits):
    run = house.run("web-01")
    house.one("app", "SELECT * FROM gate.control_run(%s, %s, 'ada', 'a look')", run, act)
    assert of(run) == waits


def test_who_is_tried_again(house: House, clean_db):
    run = house.run("web-01")
    step = house.step()
    house.value(
        "agent", "SELECT gate.release_step(%s, %s, 'Broken: x')", step["work_id"], step["fence"]
    )
    assert of(run) == [("retry", "retry 1 of 3: Broken", None)]


def test_who_is_at_work_waits_for_nothing(house: House, clean_db):
    run = house.run("web-01")
    house.step()
    assert of(run) == []
