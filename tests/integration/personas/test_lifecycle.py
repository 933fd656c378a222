"""The life of a run in the database: the table of moves, retries, dead letters, limits."""

from itertools import product

import psycopg
import pytest

from personas.states import (
    CONTROLS,
    HAS_PLACE,
    LIVE,
    MOST_RETRIES,
    RUN_STATES,
    may_control,
    may_move,
)


def state(world, run):
    return world.value("app", "SELECT state FROM personas_run WHERE id = %s", run)


def moves(world, run):
    found = (
        world.as_role("app")
        .execute("SELECT from_state, state FROM personas_transition WHERE run_id = %s", [run])
        .fetchall()
    )
    return [(one["from_state"], one["state"]) for one in found]


def due(world):
    world.as_role("owner").execute(
        "UPDATE audit_work SET not_before = now() WHERE kind = 'step' AND state = 'ready'"
    )


def reconcile(world):
    world.value("app", "SELECT count(*) FROM gate.reconcile()")


def fault(world, run):
    """Let the run's step raise."""
    due(world)
    step = world.step()
    assert step["run_id"] == run
    return world.value(
        "agent", "SELECT gate.release_step(%s, %s, 'boom')", step["work_id"], step["fence"]
    )


def worker_dies(world):
    """Let the lease of the step that is being taken run out."""
    world.step()
    world.as_role("owner").execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE state = 'leased'"
    )
    reconcile(world)


def give_up(world, run):
    for _ in range(MOST_RETRIES + 1):
        fault(world, run)


def test_the_database_and_the_table_know_the_same_moves(world):
    said = {
        (old, new)
        for old, new in product(RUN_STATES, RUN_STATES)
        if world.value("owner", "SELECT gate.run_move(%s, %s)", old, new)
    }
    assert said == {(a, b) for a, b in product(RUN_STATES, RUN_STATES) if may_move(a, b)}


@pytest.mark.parametrize(("function", "states"), [("is_live", LIVE), ("has_place", HAS_PLACE)])
def test_the_database_and_the_table_know_the_same_groups(world, function, states):
    said = [one for one in RUN_STATES if world.value("owner", f"SELECT gate.{function}(%s)", one)]
    assert said == [one for one in RUN_STATES if one in states]


def test_the_database_and_the_table_allow_the_same_controls(world):
    run = world.run("web-01")
    asked = (
        "SELECT gate.may_control(jsonb_populate_record(r, jsonb_build_object("
        "'state', %s::text, 'dead_letter', %s::boolean)), %s) FROM personas_run r WHERE id = %s"
    )
    cases = list(product(RUN_STATES, (True, False), CONTROLS))
    said = [world.value("owner", asked, s, d, act, run) for s, d, act in cases]
    assert said == [may_control(s, act, dead_letter=d) for s, d, act in cases]


def test_no_other_move_is_made_even_by_the_owner(world):
    run = world.run("web-01")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.as_role("owner").execute(
            "UPDATE personas_run SET state = 'succeeded' WHERE id = %s", [run]
        )


def test_every_move_is_a_row(world):
    run = world.run("web-01")
    world.finish(world.step(), "done")
    assert moves(world, run) == [
        ("", "pending"),
        ("pending", "starting"),
        ("starting", "running"),
        ("running", "succeeded"),
    ]


def test_nobody_rewrites_a_move(world):
    world.run("web-01")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role("owner").execute("UPDATE personas_transition SET state = 'failed'")


def test_a_step_that_raised_is_tried_again(world):
    run = world.run("web-01")
    fault(world, run)
    assert moves(world, run)[-2:] == [("running", "failed"), ("failed", "retrying")]


def test_a_worker_that_died_is_a_retry(world):
    run = world.run("web-01")
    worker_dies(world)
    assert state(world, run) == "retrying"


def test_a_worker_that_died_while_its_run_was_locked_is_a_retry_at_the_next_claim(world):
    run = world.run("web-01")
    world.step()
    world.as_role("owner").execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE state = 'leased'"
    )
    with world.connect("owner") as other, other.transaction():
        other.execute("SELECT 1 FROM personas_run WHERE id = %s FOR UPDATE", [run])
        reconcile(world)
    assert (state(world, run), world.step(), state(world, run)) == ("running", None, "retrying")


def test_a_retry_waits_at_most_its_doubling_bound(world):
    run = world.run("web-01")
    for retry in range(1, MOST_RETRIES + 1):
        fault(world, run)
        wait = world.value(
            "app",
            "SELECT extract(epoch FROM not_before - clock_timestamp())::float8 FROM audit_work"
            " WHERE kind = 'step' AND state = 'ready'",
        )
        assert wait <= 2**retry


def test_the_jitter_is_full(world):
    waits = [
        world.value("owner", "SELECT extract(epoch FROM gate.backoff(3))::float8")
        for _ in range(200)
    ]
    assert (min(waits) < 2, max(waits) > 6, min(waits) >= 0, max(waits) <= 8) == (True,) * 4


def test_the_fourth_fault_of_an_intent_is_a_dead_letter(world):
    run = world.run("web-01")
    give_up(world, run)
    found = world.one(
        "app", "SELECT state, dead_letter, retries FROM personas_run WHERE id = %s", run
    )
    assert found == {"state": "failed", "dead_letter": True, "retries": MOST_RETRIES}


def test_faults_of_different_steps_count_together(world):
    run = world.run("web-01")
    for _ in range(2):
        fault(world, run)
        due(world)
        world.finish(world.step())
    for _ in range(2):
        fault(world, run)
    assert state(world, run) == "failed"


def test_a_dead_letter_calls_the_dispatcher(world):
    run = world.run("web-01")
    give_up(world, run)
    why = world.value(
        "app", "SELECT payload ->> 'why' FROM audit_work WHERE dedup = %s", f"run:{run}"
    )
    assert why == "run failed"


def test_a_dead_letter_says_what_was_tried_and_asked(world):
    run = world.run("web-01")
    give_up(world, run)
    said = world.value("app", "SELECT summary FROM personas_run WHERE id = %s", run)
    assert all(word in said for word in ("boom", "Tried: ", "Known: ", "Asked: "))


def test_a_run_that_is_given_up_leaves_its_siblings_alone(world):
    broken, well = world.run("web-01"), world.run("old-01")
    for _ in range(MOST_RETRIES + 1):
        world.as_role("owner").execute(
            "UPDATE audit_work SET not_before = now() + CASE WHEN subject = %s THEN interval '0'"
            " ELSE interval '1 h' END WHERE kind = 'step' AND state = 'ready'",
            [str(broken)],
        )
        step = world.step()
        world.value(
            "agent", "SELECT gate.release_step(%s, %s, 'boom')", step["work_id"], step["fence"]
        )
    due(world)
    taken = world.step()
    assert (state(world, broken), taken["run_id"], world.finish(taken, "done")) == (
        "failed",
        well,
        "ok",
    )


def test_a_person_has_a_dead_letter_tried_again(world):
    run = world.run("web-01")
    give_up(world, run)
    world.one("app", "SELECT * FROM gate.control_run(%s, 'retry', 'ada', 'mended')", run)
    step = world.step()
    assert (step["run_id"], step["number"], world.finish(step, "done"), state(world, run)) == (
        run,
        1,
        "ok",
        "succeeded",
    )


def test_a_run_that_asks_for_too_much_ends_at_its_limit(world):
    run = world.run("web-01")
    step = world.step()
    for number in range(7):
        world.propose(step, "ticket.comment", "", "elsewhere", key=f"k{number}", text="x")
    world.finish(step)
    found = world.one("app", "SELECT state, limit_hit FROM personas_run WHERE id = %s", run)
    assert found == {"state": "failed", "limit_hit": "max_actions"}


def test_a_run_over_its_time_says_so_to_a_person(world):
    run = world.run("web-01")
    world.finish(world.step())
    world.as_role("owner").execute("UPDATE personas_run SET deadline = now() - interval '1 s'")
    reconcile(world)
    found = world.one(
        "app", "SELECT state, limit_hit, summary FROM personas_run WHERE id = %s", run
    )
    assert (found["state"], found["limit_hit"]) == ("timed_out", "max_duration")
    assert found["summary"].startswith("Stopped at its limit of time. Tried: nothing. Known: ")


def test_its_time_counts_from_its_start(world):
    run = world.run("web-01")
    left = world.value(
        "app",
        "SELECT extract(epoch FROM deadline - started_at)::int FROM personas_run WHERE id = %s",
        run,
    )
    assert left == 300


def test_a_sibling_does_not_change_the_same_ci(world):
    world.authorised()
    world.run("web-01")
    found = world.propose(world.step(), "playbook.run", "restart", "web-01")
    assert (found["verdict"], found["guard"]) == ("denied", "duplicate")


def test_once_a_change_is_over_a_sibling_may_change_the_ci(world):
    world.authorised()
    world.record()
    world.settle(world.claim())
    world.run("web-01")
    found = world.propose(world.step(), "playbook.run", "restart", "web-01")
    assert found["verdict"] == "authorised"


def test_a_checkpoint_is_there_at_each_boundary(world):
    run = world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step)
    world.record()
    world.settle(world.claim())
    found = (
        world.as_role("app")
        .execute("SELECT boundary, tool_call_count FROM gate.checkpoints(%s)", [run])
        .fetchall()
    )
    assert [(one["boundary"], one["tool_call_count"]) for one in found] == [
        ("decided", 1),
        ("step", 1),
        ("outcome", 1),
    ]


def test_a_checkpoint_has_every_field(world):
    run = world.run("web-01")
    world.propose(world.step(), "playbook.run", "restart", "web-01")
    said = world.value("app", "SELECT gate.checkpoint(%s)", run)
    assert (said["session_id"], said["tool_call_count"], said["last_tool"]) == (
        str(run),
        1,
        "playbook.run restart",
    )
    assert set(said) == {
        "intent_id", "session_id", "tool_call_count", "last_tool", "last_output", "timestamp",
    }  # fmt: skip
