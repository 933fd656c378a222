"""What a named person may tell a run and a card, and what comes of it."""

import psycopg
import pytest


def control(world, run, act, person="ada", why="a test"):
    return world.one("app", "SELECT * FROM gate.control_run(%s, %s, %s, %s)", run, act, person, why)


def state(world, run):
    return world.value("app", "SELECT state FROM personas_run WHERE id = %s", run)


def outcome(world, action):
    return world.value("app", "SELECT outcome FROM personas_action WHERE id = %s", action)


def permitted(world):
    """A run between two steps with a recorded permit; returns both ids."""
    run = world.run("web-01")
    step = world.step()
    found = world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step)
    world.record()
    return run, found["action_id"]


@pytest.mark.parametrize(("person", "why"), [("", "a test"), (" ", "a test"), ("ada", "")])
def test_only_a_named_person_with_a_reason_steers(world, person, why):
    run = world.run("web-01")
    with pytest.raises(psycopg.errors.CheckViolation):
        control(world, run, "pause", person, why)


@pytest.mark.parametrize("process", ["agent", "executor"])
def test_no_process_steers_runs(world, process):
    run = world.run("web-01")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.one(process, "SELECT * FROM gate.control_run(%s, 'resume', 'ada', 'x')", run)


def test_every_act_is_on_record(world):
    run = world.run("web-01")
    control(world, run, "pause")
    said = world.value(
        "owner",
        "SELECT body FROM audit_pending WHERE kind = 'person.controlled' AND subject = %s",
        str(run),
    )
    assert said == {
        "person": "ada", "act": "pause", "why": "a test", "card": "responder",
        "from_state": "starting",
    }  # fmt: skip


def test_a_paused_run_takes_no_step(world):
    run = world.run("web-01")
    control(world, run, "pause")
    assert (state(world, run), world.step()) == ("paused", None)


def test_a_resumed_run_goes_on_with_its_step(world):
    run = world.run("web-01")
    world.finish(world.step())
    control(world, run, "pause")
    control(world, run, "resume")
    assert world.step()["number"] == 2


def test_who_takes_a_step_of_a_paused_run_is_late(world):
    run = world.run("web-01")
    step = world.step()
    control(world, run, "pause")
    assert world.finish(step) == "late"


def test_a_step_of_a_paused_run_gets_nothing_permitted(world):
    run = world.run("web-01")
    step = world.step()
    control(world, run, "pause")
    assert world.propose(step, "playbook.run", "restart", "web-01")["guard"] == "run"


def test_the_permit_of_a_paused_run_waits(world):
    run, _ = permitted(world)
    control(world, run, "pause")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    held = world.claim()
    control(world, run, "resume")
    assert (held, world.claim() is not None) == (None, True)


def test_a_resumed_run_waits_for_its_open_action(world):
    run, _ = permitted(world)
    claim = world.claim()
    control(world, run, "pause")
    control(world, run, "resume")
    before = world.step()
    world.settle(claim)
    assert (before, world.step()["number"]) == (None, 2)


def test_an_action_that_ends_while_its_run_is_paused_does_not_wake_it(world):
    run, _ = permitted(world)
    claim = world.claim()
    control(world, run, "pause")
    assert (world.settle(claim), state(world, run)) == ("settled", "paused")


def test_a_pause_does_not_eat_the_time_of_a_run(world):
    run = world.run("web-01")
    owner = world.as_role("owner")
    before = world.value("app", "SELECT deadline FROM personas_run WHERE id = %s", run)
    control(world, run, "pause")
    owner.execute("UPDATE personas_run SET held_at = held_at - interval '1 h'")
    control(world, run, "resume")
    after = world.value("app", "SELECT deadline FROM personas_run WHERE id = %s", run)
    assert 3600 <= (after - before).total_seconds() < 3660


def test_a_paused_run_is_not_over_its_time(world):
    run = world.run("web-01")
    control(world, run, "pause")
    world.as_role("owner").execute("UPDATE personas_run SET deadline = now() - interval '1 h'")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    assert state(world, run) == "paused"


def test_an_isolated_run_loses_its_permits(world):
    run, action = permitted(world)
    control(world, run, "isolate")
    assert (outcome(world, action), world.claim(), world.step()) == ("void", None, None)


def test_the_ticket_of_an_isolated_run_goes_to_the_dispatcher(world):
    run = world.run("web-01")
    control(world, run, "isolate")
    why = world.value(
        "app", "SELECT payload ->> 'why' FROM audit_work WHERE dedup = %s", f"run:{run}:isolated"
    )
    assert why == "run isolated"


def test_an_isolated_run_may_be_let_go_on(world):
    run = world.run("web-01")
    control(world, run, "isolate")
    control(world, run, "resume")
    assert world.step()["run_id"] == run


def test_an_isolated_run_does_not_go_on_beside_another_of_its_ticket(world):
    run = world.run("web-01", ticket="INC-1")
    control(world, run, "isolate")
    world.run("web-01", ticket="INC-1")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        control(world, run, "resume")


def test_a_cancelled_run_loses_its_permits(world):
    run, action = permitted(world)
    control(world, run, "cancel")
    assert (state(world, run), outcome(world, action)) == ("cancelled", "void")


def test_what_a_cancelled_run_has_begun_is_called_off(world):
    run, action = permitted(world)
    world.claim()
    before = world.value("executor", "SELECT gate.called_off(%s)", action)
    control(world, run, "cancel")
    assert (before, world.value("executor", "SELECT gate.called_off(%s)", action)) == (False, True)


def test_what_a_paused_run_has_begun_may_end(world):
    run, action = permitted(world)
    world.claim()
    control(world, run, "pause")
    assert world.value("executor", "SELECT gate.called_off(%s)", action) is False


@pytest.mark.parametrize("act", ["pause", "resume", "isolate", "cancel"])
def test_a_run_that_is_over_stays_so(world, act):
    run = world.run("web-01")
    world.finish(world.step(), "done")
    said = control(world, run, act)
    assert (said["state"], act in said["refused"]) == ("succeeded", True)


def test_a_restart_bears_a_new_run_of_the_same_intent(world):
    run = world.run("web-01", ticket="INC-1")
    world.finish(world.step())
    control(world, run, "restart")
    step = world.step()
    assert (state(world, run), step["run_id"] != run, step["number"], step["scope"]) == (
        "cancelled",
        True,
        1,
        ["web-01"],
    )


def test_a_restart_that_finds_no_room_leaves_the_run_alone(world):
    run = world.run("web-01")
    world.value("app", "SELECT gate.set_environment('operations', 0, 0, 'ada', 'full')")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        control(world, run, "restart")
    assert state(world, run) == "starting"


def test_a_run_that_does_not_exist_is_no_run(world):
    assert control(world, "00000000-0000-0000-0000-000000000000", "pause") is None


def isolate_card(world):
    return world.value("app", "SELECT gate.isolate_card('responder', 'ada', 'it rambles')")


def submit(world):
    return world.one(
        "app",
        "SELECT * FROM gate.submit_intent('responder', 'T-9', 2, '[]', 'none', '{}', 'x',"
        " 'operations', 'rule:x', NULL, '', '')",
    )


def test_an_isolated_card_has_no_new_runs(world):
    isolate_card(world)
    assert submit(world)["verdict"] == "isolated"


def test_the_live_runs_of_an_isolated_card_stand_apart(world):
    runs = [world.run("web-01"), world.run("old-01")]
    assert (isolate_card(world), [state(world, run) for run in runs]) == (2, ["isolated"] * 2)


def test_a_released_card_has_runs_again(world):
    isolate_card(world)
    world.value("app", "SELECT gate.release_card('responder', 'ada', 'mended')")
    assert submit(world)["verdict"] == "accepted"


def test_who_takes_over_a_ticket_ends_its_isolated_run(world):
    run = world.run("web-01", ticket="INC-9")
    control(world, run, "isolate")
    world.value("app", "SELECT gate.take_over('INC-9', 'ada', 'mine')")
    assert state(world, run) == "cancelled"
