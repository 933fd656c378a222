"""One effect row by row: propose, record, claim, act, settle; and what may not happen."""

import psycopg
import pytest


def test_an_effect_is_not_claimable_before_it_is_recorded(world):
    world.authorised()
    assert world.claim() is None


def test_a_recorded_effect_is_claimable(world):
    found = world.authorised()
    world.record()
    assert world.claim()["action_id"] == found["action_id"]


def test_the_claim_carries_the_number_of_its_entry(world):
    found = world.authorised()
    world.record()
    seq = world.value(
        "app",
        "SELECT seq FROM audit_entry WHERE subject = %s AND kind = 'action.authorised'",
        str(found["action_id"]),
    )
    assert world.claim()["entry_seq"] == seq


def test_a_denied_action_cannot_be_executed_by_any_path(world):
    world.run("db-01")
    found = world.propose(world.step(), "playbook.run", "restart", "db-01")
    world.record()
    assert (world.claim(), world.work(found["action_id"])) == (None, None)


def test_even_the_owner_cannot_give_a_denied_action_work(world):
    world.run("db-01")
    found = world.propose(world.step(), "playbook.run", "restart", "db-01")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.as_role("owner").execute(
            "WITH w AS (INSERT INTO audit_work (id, kind, queue, state) VALUES"
            " (%(id)s, 'effect', 'executor.plays', 'ready') RETURNING id)"
            " UPDATE personas_action SET work_id = (SELECT id FROM w) WHERE id = %(id)s",
            {"id": found["action_id"]},
        )


def test_work_without_an_authorised_action_is_not_claimable(world):
    world.as_role("owner").execute(
        "INSERT INTO audit_work (kind, queue, state, entry_seq, entry_lsn, expires_at) VALUES"
        " ('effect', 'executor.plays', 'ready', 1, '0/1', now() + interval '1 h')"
    )
    assert world.claim() is None


def test_an_effect_that_is_not_flushed_is_not_claimable(world):
    found = world.authorised()
    world.record()
    world.as_role("owner").execute(
        "UPDATE audit_work SET entry_lsn = 'FFFFFFFF/0' WHERE id = %s", [found["action_id"]]
    )
    assert world.claim() is None


def test_an_expired_permit_is_not_claimable(world):
    found = world.authorised()
    world.record()
    world.as_role("owner").execute(
        "UPDATE audit_work SET expires_at = now() - interval '1 s' WHERE id = %s",
        [found["action_id"]],
    )
    assert world.claim() is None


def test_nothing_is_claimed_while_stopped(world):
    world.authorised()
    world.record()
    world.value("app", "SELECT gate.press_stop('ada', 'test')")
    assert world.claim() is None


def test_it_goes_on_after_the_resume(world):
    world.authorised()
    world.record()
    world.value("app", "SELECT gate.press_stop('ada', 'test')")
    world.value("app", "SELECT gate.lift_stop('ada', 'well again')")
    assert world.claim() is not None


def test_one_play_at_a_time_per_ci(world):
    world.authorised()
    world.authorised()
    world.record()
    world.claim()
    assert world.claim() is None


def test_settling_wakes_the_run(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step)
    world.record()
    world.settle(world.claim())
    assert world.step()["number"] == 2


def test_a_run_waits_for_its_open_action(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step)
    assert world.step() is None


def test_a_second_settling_is_late(world):
    world.authorised()
    world.record()
    claim = world.claim()
    assert [world.settle(claim), world.settle(claim, "failed")] == ["settled", "late"]


def in_doubt(world):
    world.authorised()
    world.record()
    claim = world.claim()
    world.as_role("owner").execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s",
        [claim["action_id"]],
    )
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    return claim


def test_an_effect_whose_lease_ran_out_is_in_doubt(world):
    claim = in_doubt(world)
    assert world.work(claim["action_id"])["state"] == "in_doubt"


def test_an_effect_in_doubt_is_not_claimed_again(world):
    in_doubt(world)
    assert world.claim() is None


def doubt(world):
    return world.one("executor", "SELECT * FROM gate.claim_doubt('executor.plays', 5, '{}')")


def resolve(world, claim, finding):
    return world.value(
        "executor",
        "SELECT gate.resolve_doubt(%s, %s, %s, '{}')",
        claim["action_id"],
        claim["fence"],
        finding,
    )


@pytest.mark.parametrize(
    ("finding", "state"),
    [("done", "done"), ("failed", "failed"), ("absent", "ready"), ("unknown", "in_doubt")],
)
def test_the_probe_decides_a_doubt(world, finding, state):
    in_doubt(world)
    claim = doubt(world)
    resolve(world, claim, finding)
    assert world.work(claim["action_id"])["state"] == state


def test_who_held_it_before_the_probe_is_late(world):
    old = in_doubt(world)
    doubt(world)
    assert world.settle(old) == "late"


def test_an_unknown_outcome_calls_the_dispatcher_once(world):
    in_doubt(world)
    for _ in range(2):
        claim = doubt(world)
        resolve(world, claim, "unknown")
        world.as_role("owner").execute("UPDATE audit_work SET not_before = now()")
    count = world.value("app", "SELECT count(*) FROM audit_work WHERE dedup LIKE 'doubt:%%'")
    assert count == 1


def test_a_person_settles_a_doubt(world):
    claim = in_doubt(world)
    world.value(
        "app", "SELECT gate.person_settles(%s, 'ada', 'done', 'saw it')", claim["action_id"]
    )
    assert world.work(claim["action_id"])["state"] == "done"


def test_who_takes_over_a_ticket_voids_its_permits(world):
    world.run("web-01", ticket="INC-9")
    found = world.propose(world.step(), "playbook.run", "restart", "web-01")
    world.record()
    world.value("app", "SELECT gate.take_over('INC-9', 'ada', 'mine')")
    outcome = world.value(
        "app", "SELECT outcome FROM personas_action WHERE id = %s", found["action_id"]
    )
    assert (world.claim(), outcome) == (None, "void")


def test_the_run_of_a_ticket_that_was_taken_over_takes_no_step(world):
    world.run("web-01", ticket="INC-9")
    world.value("app", "SELECT gate.take_over('INC-9', 'ada', 'mine')")
    assert world.step() is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE personas_autonomy SET level = 'observe'",
        "UPDATE personas_catalogueentry SET enabled = false",
        "UPDATE personas_catalogueentry SET approved_hash = 'c'",
        "UPDATE personas_card SET enabled = false",
        "UPDATE cmdb_ci SET lifeline = true",
        "UPDATE cmdb_ci SET retired = true",
        "UPDATE personas_run SET state = 'timed_out'",
    ],
    ids=["level", "entry", "pin", "card", "lifeline", "retired", "run"],
)
def test_a_right_that_was_taken_back_voids_its_permits(world, statement):
    found = world.authorised()
    world.record()
    world.as_role("owner").execute(statement)
    claimed = world.claim()
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    outcome = world.value(
        "app", "SELECT outcome FROM personas_action WHERE id = %s", found["action_id"]
    )
    assert (claimed, outcome) == (None, "void")


def test_what_never_began_does_not_begin_after_a_person_took_over(world):
    world.run("web-01", ticket="INC-9")
    world.propose(world.step(), "playbook.run", "restart", "web-01")
    world.record()
    claim = world.claim(lease=1)
    world.as_role("owner").execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s",
        [claim["action_id"]],
    )
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    world.value("app", "SELECT gate.take_over('INC-9', 'ada', 'mine')")
    resolve(world, doubt(world), "absent")
    assert world.work(claim["action_id"])["state"] == "failed"


def test_no_fence_is_no_fence(world):
    world.authorised()
    world.record()
    claim = world.claim()
    assert world.settle({**claim, "fence": None}) == "late"


def test_a_hanging_run_ends_after_its_deadline(world):
    run = world.run("web-01")
    world.step()
    world.as_role("owner").execute("UPDATE personas_run SET deadline = now() - interval '1 h'")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    assert world.value("app", "SELECT state FROM personas_run WHERE id = %s", run) == "timed_out"


def test_a_run_that_somebody_holds_does_not_stop_the_others(world):
    held, free = world.run("web-01"), world.run("web-01")
    with world.connect("owner") as other, other.transaction():
        other.execute("SELECT 1 FROM personas_run WHERE id = %s FOR UPDATE", [held])
        assert world.step()["run_id"] == free


def test_an_expired_notice_calls_the_dispatcher(world):
    args = '{"kind": "http", "target": "http://x", "title": "t", "text": "t"}'
    world.value("app", "SELECT gate.order_notice('escalation', 'k', 'INC-1', %s)", args)
    world.as_role("owner").execute("UPDATE audit_work SET expires_at = now() - interval '1 s'")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    count = world.value("app", "SELECT count(*) FROM audit_work WHERE dedup LIKE 'untold:%%'")
    assert count == 1


def test_a_stop_does_not_expire_notices(world):
    args = '{"kind": "http", "target": "http://x", "title": "t", "text": "t"}'
    world.value("app", "SELECT gate.order_notice('escalation', 'k', 'INC-1', %s)", args)
    world.value("app", "SELECT gate.press_stop('ada', 'x')")
    world.as_role("owner").execute("UPDATE audit_work SET expires_at = now() - interval '1 s'")
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    assert world.value("app", "SELECT outcome FROM personas_action") == ""


def test_a_run_ends_at_its_limit_of_steps(world):
    run = world.run("web-01")
    for _ in range(5):
        world.finish(world.step())
    found = world.one("app", "SELECT state, limit_hit FROM personas_run WHERE id = %s", run)
    assert found == {"state": "failed", "limit_hit": "max_steps"}


def test_a_step_that_fails_and_is_retried_three_times_ends_its_run(world):
    run = world.run("web-01")
    for _ in range(4):
        world.as_role("owner").execute("UPDATE audit_work SET not_before = now()")
        step = world.step()
        world.value(
            "agent", "SELECT gate.release_step(%s, %s, 'boom')", step["work_id"], step["fence"]
        )
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    found = world.one("app", "SELECT state, limit_hit FROM personas_run WHERE id = %s", run)
    assert found == {"state": "failed", "limit_hit": "max_retries"}


def test_a_notice_goes_the_whole_way(world):
    args = '{"kind": "http", "target": "http://x", "title": "t", "text": "t"}'
    world.value("app", "SELECT gate.order_notice('escalation', 'k', 'INC-1', %s)", args)
    world.record()
    assert world.claim("executor.light")["verb"] == "notify"


def test_a_notice_is_ordered_once(world):
    args = '{"kind": "http", "target": "http://x", "title": "t", "text": "t"}'
    for _ in range(2):
        last = world.value("app", "SELECT gate.order_notice('escalation', 'k', 'INC-1', %s)", args)
    assert last is None
