"""Each guard of the gate, through the door of the agent's own role."""

import threading
from uuid import uuid4

import psycopg
import pytest

from tests.doubles.agent import propose


def denied(found, guard):
    return (found["verdict"], found["guard"]) == ("denied", guard)


def test_what_is_granted_is_authorised(world):
    assert world.authorised()["verdict"] == "authorised"


def test_arguments_come_from_the_ci(world):
    found = world.authorised()
    args = world.value("app", "SELECT args FROM personas_action WHERE id = %s", found["action_id"])
    assert args == {"pidfile": "/run/web.pid"}


def test_a_card_without_the_grant_is_denied(world):
    world.run("db-01")
    assert denied(world.propose(world.step(), "playbook.run", "restart", "db-01"), "grant")


def test_a_verb_without_a_grant_is_denied(world):
    world.run("web-01")
    step = world.step()
    found = world.propose(step, "ticket.assign", "", step["ticket_ref"])
    assert denied(found, "grant")


@pytest.mark.parametrize("verb", ["notify", "root.shell", "", "x" * 5000])
def test_an_unknown_verb_is_denied(world, verb):
    world.run("web-01")
    assert denied(world.propose(world.step(), verb), "grant")


def test_a_lifeline_is_denied(world):
    world.run("dns-01")
    assert denied(world.propose(world.step(), "playbook.run", "restart", "dns-01"), "lifeline")


def test_a_ci_outside_the_ticket_is_denied(world):
    world.run("web-01")
    assert denied(world.propose(world.step(), "playbook.run", "restart", "old-01"), "scope")


def test_another_ticket_is_denied(world):
    world.run("web-01")
    assert denied(world.propose(world.step(), "ticket.comment", "", "INC-1", text="x"), "scope")


@pytest.mark.parametrize("joined", ["none", "ambiguous"])
def test_without_one_join_nothing_is_run(world, joined):
    world.run("web-01", joined=joined)
    assert denied(world.propose(world.step(), "playbook.run", "restart", "web-01"), "join")


def test_an_entry_that_is_not_in_the_catalogue_is_denied(world):
    world.run("web-01")
    assert denied(world.propose(world.step(), "playbook.run", "rm_rf", "web-01"), "catalogue")


def test_a_playbook_that_changed_since_its_approval_is_denied(world):
    world.run("web-01")
    assert denied(world.propose(world.step(), "playbook.run", "changed", "web-01"), "pin")


def test_an_attribute_that_does_not_match_is_denied(world):
    world.run("odd-01")
    assert denied(world.propose(world.step(), "playbook.run", "restart", "odd-01"), "arguments")


def test_arguments_of_the_agent_s_own_are_denied(world):
    world.run("web-01")
    found = world.propose(world.step(), "playbook.run", "restart", "web-01", pidfile="/etc/x")
    assert denied(found, "arguments")


@pytest.mark.parametrize(
    "args",
    [{}, {"text": "x" * 4001}, {"text": "x", "more": "y"}],
    ids=["missing", "too long", "undeclared"],
)
def test_bad_arguments_of_a_comment_are_denied(world, args):
    world.run("web-01")
    step = world.step()
    found = world.propose(step, "ticket.comment", "", step["ticket_ref"], **args)
    assert denied(found, "arguments")


def test_a_ci_class_that_was_not_promoted_is_only_observed(world):
    world.run("old-01")
    found = world.propose(world.step(), "playbook.run", "restart", "old-01")
    assert (found["verdict"], found["level"]) == ("observed", "observe")


def test_what_is_observed_has_no_work(world):
    world.run("old-01")
    found = world.propose(world.step(), "playbook.run", "restart", "old-01")
    assert world.work(found["action_id"]) is None


def test_an_entry_is_used_once_per_ticket(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01", key="a")
    assert denied(world.propose(step, "playbook.run", "restart", "web-01", key="b"), "uses")


def test_the_hourly_limit_holds_when_two_ask_at_once(world):
    world.as_role("owner").execute("UPDATE personas_catalogueentry SET max_per_hour = 1")
    world.run("web-01")
    world.run("web-01")
    steps = [world.step(), world.step()]
    answers = []

    def ask(step):
        with world.connect("agent") as link:
            found = propose(link, step, "k", "playbook.run", "restart", "web-01")
            answers.append(found["verdict"])

    threads = [threading.Thread(target=ask, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["authorised", "denied"]


def test_a_stranger_fills_no_ledger(world):
    begun = world.value("owner", "SELECT clock_timestamp()")
    for _ in range(20):
        world.propose({"run_id": uuid4(), "token": "x", "number": 1}, "playbook.run")
    noted = world.value("app", "SELECT count(*) FROM audit_pending WHERE kind = 'action.denied'")
    # Once an hour, and one may end meanwhile.
    hours = world.value(
        "owner",
        "SELECT count(DISTINCT date_trunc('hour', t, 'UTC'))"
        " FROM unnest(ARRAY[%s, clock_timestamp()]) AS t",
        begun,
    )
    assert 0 < noted <= hours


def test_a_run_has_a_budget_of_actions(world):
    world.run("web-01")
    step = world.step()
    ref = step["ticket_ref"]
    found = [world.propose(step, "ticket.comment", "", ref, key=str(n), text="x") for n in range(7)]
    assert [f["guard"] for f in found] == [""] * 6 + ["budget"]


def test_a_made_up_token_is_denied(world):
    world.run("web-01")
    step = {**world.step(), "token": "guess"}
    assert denied(world.propose(step, "playbook.run", "restart", "web-01"), "token")


def test_the_token_of_a_lost_step_is_denied(world):
    world.run("web-01")
    lost = world.step()
    world.as_role("owner").execute(
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s",
        [lost["work_id"]],
    )
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    world.as_role("owner").execute("UPDATE audit_work SET not_before = now()")
    world.step()
    assert denied(world.propose(lost, "playbook.run", "restart", "web-01"), "token")


def test_a_step_that_is_not_being_taken_is_denied(world):
    world.run("web-01")
    step = {**world.step(), "number": 4}
    assert denied(world.propose(step, "playbook.run", "restart", "web-01"), "token")


def test_a_run_that_does_not_exist_is_denied_on_record(world):
    step = {"run_id": uuid4(), "token": "x", "number": 1}
    world.propose(step, "playbook.run", "restart", "web-01")
    world.record()
    kinds = world.as_role("app").execute("SELECT kind FROM audit_entry").fetchall()
    assert {"kind": "action.denied"} in kinds


def test_an_ended_run_is_denied(world):
    world.run("web-01")
    step = world.step()
    world.finish(step, "done")
    assert denied(world.propose(step, "playbook.run", "restart", "web-01"), "run")


def test_a_run_over_its_time_is_denied(world):
    world.run("web-01")
    step = world.step()
    world.as_role("owner").execute("UPDATE personas_run SET deadline = now() - interval '1 s'")
    assert denied(world.propose(step, "playbook.run", "restart", "web-01"), "expiry")


def test_the_stop_denies_proposals(world):
    world.run("web-01")
    step = world.step()
    world.value("app", "SELECT gate.press_stop('ada', 'test')")
    assert denied(world.propose(step, "playbook.run", "restart", "web-01"), "stop")


def test_the_same_step_and_key_get_their_first_verdict_back(world):
    world.run("web-01")
    step = world.step()
    first = world.propose(step, "playbook.run", "restart", "web-01")
    again = world.propose(step, "playbook.run", "restart", "web-01")
    assert again == {**first, "counted": False}


def test_a_ticket_has_one_live_run(world):
    world.run("web-01", ticket="INC-7")
    assert world.run("web-01", ticket="INC-7") is None


def test_a_level_that_is_none_is_refused(world):
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "app", "SELECT gate.set_autonomy('responder', 'restart', 'cache', 'root', 'a', 'b')"
        )


def test_only_a_named_person_resumes(world):
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("app", "SELECT gate.lift_stop('  ', 'x')")


def guards(world):
    found = world.as_role("owner").execute("SELECT name FROM gate.guard ORDER BY position")
    return [row["name"] for row in found]


def test_each_guard_is_a_function(world):
    found = world.as_role("owner").execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'gate'::regnamespace"
        " AND proargtypes[0] = 'gate.ask'::regtype AND proname LIKE 'guard\\_%'"
    )
    assert {row["proname"] for row in found} == {f"guard_{name}" for name in guards(world)}


@pytest.fixture
def unguarded(world):
    """No guard stands for the length of the test: rows of the gate outlive a test."""
    owner = world.as_role("owner")
    owner.execute("CREATE TEMP TABLE kept AS SELECT * FROM gate.guard")
    owner.execute("DELETE FROM gate.guard")
    yield
    owner.execute("INSERT INTO gate.guard SELECT * FROM kept")


@pytest.mark.usefixtures("unguarded")
def test_where_no_guard_stands_nothing_is_authorised(world):
    world.run("web-01")
    assert denied(world.propose(world.step(), "playbook.run", "restart", "web-01"), "guard")


@pytest.fixture
def grants_first(world):
    """The guard of grants is asked before that of the stop, for the length of the test."""
    owner = world.as_role("owner")
    owner.execute("UPDATE gate.guard SET position = 39 WHERE name = 'grant'")
    yield
    owner.execute("UPDATE gate.guard SET position = 60 WHERE name = 'grant'")


@pytest.fixture
def unwritten(world):
    """A row stands whose function nobody has written."""
    owner = world.as_role("owner")
    owner.execute("INSERT INTO gate.guard VALUES ('unwritten', 999, '{}', 'nothing')")
    yield
    owner.execute("DELETE FROM gate.guard WHERE name = 'unwritten'")


def asked_for_too_much_in_a_stop(world):
    world.run("web-01")
    step = world.step()
    world.value("app", "SELECT gate.press_stop('ada', 'test')")
    return world.propose(step, "ticket.assign", "", step["ticket_ref"])


def test_the_guard_that_stands_first_is_named(world):
    assert denied(asked_for_too_much_in_a_stop(world), "stop")


@pytest.mark.usefixtures("grants_first")
def test_rows_say_which_guard_stands_first(world):
    assert denied(asked_for_too_much_in_a_stop(world), "grant")


@pytest.mark.usefixtures("unwritten")
def test_a_guard_that_nobody_wrote_lets_nothing_through(world):
    world.run("web-01")
    step = world.step()
    with pytest.raises(psycopg.errors.UndefinedFunction):
        world.propose(step, "playbook.run", "restart", "web-01")


@pytest.mark.parametrize("name", ["agent", "app", "executor"])
def test_nobody_else_takes_a_guard_away(world, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role(name).execute("DELETE FROM gate.guard")


def test_rows_of_runs_can_grow_while_guards_look_at_them(world):
    owner = world.as_role("owner")
    owner.execute("ALTER TABLE personas_run ADD COLUMN later int DEFAULT 7")
    try:
        assert world.authorised()["verdict"] == "authorised"
    finally:
        owner.execute("ALTER TABLE personas_run DROP COLUMN later")
