"""Who may approve: a person, with the right, who neither asked for it nor wrote it."""

import psycopg
import pytest

from tests.doubles import authenticator


@pytest.fixture
def waiting(house):
    """A proposal for a ticket that there is."""
    house.as_role("owner").execute(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, state, priority, impact, urgency)"
        " VALUES ('INC-1', 'incident', 't', 'assigned', 'P3', 2, 2)"
    )
    return lambda: house.proposal(ticket="INC-1")["action_id"]


def say(house, n, author, kind="person"):
    house.as_role("owner").execute(
        "INSERT INTO tickets_logline (ticket_id, n, author, author_kind, visibility, text)"
        " VALUES ('INC-1', %s, %s, %s, 'public', 'x')",
        [n, author, kind],
    )


def test_who_may_not_approve_does_not(house):
    assert house.approve(house.proposal()["action_id"], "lin") == "approvals.forbidden"


def test_the_permission_is_enough(house):
    house.as_role("owner").execute(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id)"
        " SELECT u.id, p.id FROM auth_user u, auth_permission p JOIN django_content_type t"
        " ON t.id = p.content_type_id"
        " WHERE u.username = 'lin' AND p.codename = 'approve' AND t.app_label = 'approvals'"
    )
    assert house.approve(house.proposal()["action_id"], "lin") == "ok"


@pytest.mark.parametrize("column", ["is_active", "is_staff"])
def test_who_is_no_longer_of_the_desk_does_not(house, column):
    house.as_role("owner").execute(f"UPDATE auth_user SET {column} = false WHERE username = 'ada'")
    action = house.proposal()["action_id"]
    assert house.approve(action) == "approvals.forbidden"
    assert house.reject(action) == "approvals.forbidden"


@pytest.mark.parametrize("name", ["responder", "run:1", "executor:test", "nobody", ""])
def test_no_agent_approves_whatever_it_calls_itself(house, name):
    assert house.approve(house.proposal()["action_id"], name) == "approvals.forbidden"


def test_a_card_with_a_login_is_still_a_card(house):
    house.as_role("owner").execute(
        "UPDATE auth_user SET username = 'responder' WHERE username = 'ada'"
    )
    assert house.approve(house.proposal()["action_id"], "responder") == "approvals.forbidden"


@pytest.mark.parametrize("login", ["agent", "executor", "gpu", "audit_writer", "witness"])
def test_no_other_login_reaches_the_door(house, login):
    action = house.proposal()["action_id"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        house.value(login, "SELECT gate.approve(%s, 'ada', '', '', '', '')", action)


def test_who_opened_the_ticket_does_not_approve(house, waiting):
    say(house, 1, "ada")
    say(house, 2, "grace")
    assert house.approve(waiting(), "ada") == "approvals.not_independent"


def test_who_gave_it_to_the_agents_does_not_approve(house, waiting):
    say(house, 1, "monitor", "rule")
    say(house, 2, "grace")
    say(house, 3, "responder", "agent")
    action = waiting()
    assert house.approve(action, "grace") == "approvals.not_independent"
    assert house.approve(action, "ada") == "ok"


def test_who_speaks_only_after_it_was_asked_may_approve(house, waiting):
    action = waiting()
    say(house, 1, "ada")
    assert house.approve(action, "ada") == "ok"


def test_who_ordered_the_run_does_not_approve(house):
    house.value(
        "app",
        "SELECT gate.dispatch('responder', 'INC-5', 2, '[\"web-01\"]', 'joined',"
        " '{\"asked_by\": \"ada\"}', 'x')",
    )
    step = house.step()
    action = house.propose(step, "playbook.run", "restart", "web-01")["action_id"]
    assert house.approve(action, "ada") == "approvals.not_independent"


@pytest.mark.parametrize(("kind", "digest"), [("tree", "a" * 64), ("card", "d")])
def test_who_wrote_what_runs_does_not_approve(house, kind, digest):
    house.as_role("owner").execute(
        "INSERT INTO approvals_author (kind, digest, person) VALUES (%s, %s, 'ada')",
        [kind, digest],
    )
    action = house.proposal()["action_id"]
    assert house.approve(action, "ada") == "approvals.not_independent"
    assert house.approve(action, "grace") == "ok"


def test_who_turns_out_to_have_written_it_does_not_approve(house):
    action = house.proposal()["action_id"]
    house.as_role("owner").execute(
        "INSERT INTO approvals_author (kind, digest, person) VALUES ('tree', %s, 'ada')", ["a" * 64]
    )
    assert house.approve(action, "ada") == "approvals.not_independent"


def test_everybody_of_the_desk_may_reject_his_own_too(house, waiting):
    say(house, 1, "lin")
    assert house.reject(waiting(), "lin") == "ok"


def test_a_refusal_is_on_record(house):
    house.approve(house.proposal()["action_id"], "lin")
    assert house.entries("person.refused")[-1]["body"]["code"] == "approvals.forbidden"


PRINCIPALS = {
    "the author": "UPDATE approvals_approval SET approver = author",
    "an executor": "UPDATE approvals_approval SET approver = 'executor:test'",
    "who implements": (
        "UPDATE approvals_approval SET approver = 'person:ada', implementer = 'person:ada'"
    ),
    "nobody": (
        "UPDATE approvals_approval SET state = 'approved', independent = true, decided_at = now()"
    ),
    "somebody without a factor, of a normal change": (
        "UPDATE approvals_approval SET state = 'approved', approver = 'person:ada',"
        " independent = true, decided_at = now()"
    ),
}


@pytest.mark.parametrize("statement", PRINCIPALS.values(), ids=PRINCIPALS.keys())
def test_the_row_itself_refuses_as_approver(house, statement):
    house.risk("medium")
    house.proposal()
    with pytest.raises(psycopg.errors.CheckViolation):
        house.as_role("owner").execute(statement)


# ---------------------------------------------------------------- changes that are not standard
RISKY = ["medium", "high", "never heard of"]


@pytest.mark.parametrize("risk", RISKY)
def test_what_is_not_standard_is_proposed_even_where_the_card_may_act(house, risk):
    house.level("act")
    house.risk(risk)
    said = house.proposal()
    assert (said["verdict"], said["level"]) == ("proposed", "propose")


@pytest.mark.parametrize("risk", RISKY)
def test_what_is_not_standard_needs_a_second_factor(house, risk):
    house.risk(risk)
    action = house.proposal()["action_id"]
    assert house.approve(action) == "approvals.no_factor"
    house.enrol("ada")
    assert house.approve(action, code="000000") == "approvals.wrong_code"
    assert house.approve(action, code=house.code("ada")) == "ok"
    assert house.approval(action)["factor"] == "totp"


def test_it_is_an_emergency_while_its_incident_is_of_the_first_rank(house, waiting):
    house.risk("high")
    action = waiting()
    assert house.approval(action)["change_class"] == "normal"
    house.reject(action)
    house.as_role("owner").execute("UPDATE tickets_ticket SET priority = 'P1'")
    house.value("app", "SELECT gate.take_over('INC-1', 'ada', 'x')")
    assert house.approval(waiting())["change_class"] == "emergency"


def test_a_permit_whose_risk_has_risen_is_not_claimed_without_a_person(house):
    house.level("act")
    house.proposal()
    house.record()
    house.risk("medium")
    assert house.claim() is None


@pytest.mark.parametrize("person", ["grace", "lin"])
def test_somebody_elses_code_is_wrong(house, person):
    house.risk("high")
    house.enrol("ada")
    house.enrol(person)
    action = house.proposal()["action_id"]
    assert house.approve(action, "ada", code=house.code(person)) == "approvals.wrong_code"


def test_a_secret_that_was_not_confirmed_is_none(house):
    house.risk("high")
    secret = bytes(house.value("owner", "SELECT gate.enrol_factor('ada', 'root')"))
    action = house.proposal()["action_id"]
    code = authenticator.code(secret, house.step_now())
    assert house.approve(action, code=code) == "approvals.no_factor"


# ---------------------------------------------------------------- one person alone
@pytest.fixture
def alone(house):
    house.single()
    house.as_role("owner").execute(
        "INSERT INTO approvals_tree (tree_hash, entry, files, diff, diff_sha256)"
        " VALUES (%s, 'restart', '[]', 'x', %s)",
        ["a" * 64, "e" * 64],
    )
    house.enrol("ada")
    return house


def later(house):
    owner = house.as_role("owner")
    owner.execute("ALTER TABLE approvals_approval DISABLE TRIGGER guard_approval")
    owner.execute("UPDATE approvals_approval SET proposed_at = proposed_at - interval '31 s'")
    owner.execute("ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER guard_approval")


def test_one_alone_waits_for_the_delay(alone):
    action = alone.proposal()["action_id"]
    assert alone.approve(action, code=alone.code("ada")) == "approvals.too_early"


def test_one_alone_needs_a_second_factor_even_for_a_standard_change(alone):
    action = alone.proposal()["action_id"]
    later(alone)
    assert alone.approve(action) == "approvals.wrong_code"


def test_one_alone_must_have_been_shown_the_diff(alone):
    action = alone.proposal()["action_id"]
    later(alone)
    code = alone.code("ada")
    assert alone.approve(action, code=code, diff="0" * 64) == "approvals.not_shown"


def test_without_a_kept_diff_one_alone_approves_nothing(house):
    house.single()
    house.enrol("ada")
    action = house.proposal()["action_id"]
    later(house)
    assert house.approve(action, code=house.code("ada")) == "approvals.not_shown"


def test_one_alone_approves_what_is_his_and_it_says_so(alone):
    alone.as_role("owner").execute(
        "INSERT INTO approvals_author (kind, digest, person) VALUES ('tree', %s, 'ada')", ["a" * 64]
    )
    action = alone.proposal()["action_id"]
    later(alone)
    assert alone.approve(action, code=alone.code("ada")) == "ok"
    assert alone.approval(action)["independent"] is False
    assert "not independent" in alone.action(action)["reason"]
    for kind in ("person.approved", "action.authorised"):
        assert alone.entries(kind)[-1]["body"]["independent"] is False


def test_who_asked_for_the_run_over_the_api_does_not_approve(house):
    action = house.proposal()["action_id"]
    house.as_role("owner").execute(
        "INSERT INTO agentops_request (intent_id, principal, idempotency_key, body_sha256, prompt,"
        " max_duration_s, tenant_id, queue_position, estimated_start_s)"
        " SELECT r.intent_id, 'person:ada', 'k', repeat('0', 64), 'p', 60, 'default', 1, 0"
        " FROM personas_run r ORDER BY created_at DESC LIMIT 1"
    )
    assert house.approve(action, "ada") == "approvals.not_independent"
    assert house.approve(action, "grace") == "ok"


def ordered(house, by, dedup="x"):
    """A run that somebody has asked for."""
    return house.one(
        "app",
        "SELECT * FROM gate.submit_intent('responder', 'INC-5', 2, '[\"web-01\"]', 'joined', '{}',"
        " %s, 'operations', %s, NULL, '', '')",
        dedup,
        by,
    )["run"]


def restart(house, run, person):
    house.one("app", "SELECT * FROM gate.control_run(%s, 'restart', %s, 'a test')", run, person)
    return house.value("app", "SELECT id FROM personas_run ORDER BY created_at DESC LIMIT 1")


def asks(house):
    """What the run that is born proposes."""
    return house.propose(house.step(), "playbook.run", "restart", "web-01")["action_id"]


def test_who_asked_at_the_door_of_intents_does_not_approve(house):
    ordered(house, "person:ada")
    assert house.approve(asks(house), "ada") == "approvals.not_independent"


def test_who_restarted_the_run_does_not_approve(house):
    restart(house, ordered(house, "rule:dispatcher"), "ada")
    action = asks(house)
    assert house.approve(action, "ada") == "approvals.not_independent"
    assert house.approve(action, "grace") == "ok"


def test_who_asked_for_a_run_that_was_restarted_since_does_not_approve(house):
    run = ordered(house, "person:ada")
    for _ in range(2):
        run = restart(house, run, "lin")
    action = asks(house)
    assert house.approve(action, "ada") == "approvals.not_independent"
    assert house.approve(action, "grace") == "ok"


def test_who_calls_his_request_a_restart_still_stands_behind_it(house):
    ordered(house, "person:ada", dedup="restart:nothing:0")
    assert house.approve(asks(house), "ada") == "approvals.not_independent"
