"""An agent proposes, a person approves, and it goes the one way that everything goes."""

import hashlib

import psycopg
import pytest


def test_a_proposal_waits_and_has_no_work(house):
    said = house.proposal()
    row = house.action(said["action_id"])
    assert (said["verdict"], said["level"], row["work_id"]) == ("proposed", "propose", None)


def test_its_run_waits_with_it(house):
    house.proposal()
    assert house.step() is None


def test_what_is_shown_is_what_its_hash_says(house):
    found = house.approval(house.proposal()["action_id"])
    assert hashlib.sha256(found["shown"].encode()).hexdigest() == found["shown_sha256"]


def test_an_approved_proposal_is_recorded_before_it_is_claimed(house):
    action = house.proposal()["action_id"]
    assert house.approve(action) == "ok"
    assert house.claim() is None
    house.record()
    assert house.claim()["action_id"] == action


def test_its_permit_names_who_approved_and_what_he_was_shown(house):
    action = house.proposal()["action_id"]
    shown = house.approval(action)["shown_sha256"]
    house.approve(action)
    body = house.entries("action.authorised")[-1]["body"]
    assert (body["approval"], body["shown_sha256"], body["factor"], body["independent"]) == (
        "person:ada", shown, "", True,
    )  # fmt: skip


def test_the_action_says_who_approved_it(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    row = house.action(action)
    assert (row["guard"], row["reason"]) == ("", "ada approved it")


def test_the_decision_is_an_entry_of_its_own_before_the_permit(house):
    house.approve(house.proposal()["action_id"])
    decided, permit = house.entries("person.approved")[-1], house.entries("action.authorised")[-1]
    assert decided["body"]["approver"] == "person:ada"
    assert decided["at"] <= permit["at"]


def test_when_it_was_done_the_run_goes_on(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    house.record()
    assert house.settle(house.claim()) == "settled"
    assert house.step() is not None


def test_who_carries_it_out_is_written_into_the_approval(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    house.record()
    house.claim()
    assert house.approval(action)["implementer"] == "executor:test"


def test_a_rejection_ends_it_and_the_run_goes_on_with_why(house):
    action = house.proposal()["action_id"]
    assert house.reject(action, why="the backup runs") == "ok"
    history = house.step()["history"][-1]
    assert (history["outcome"], history["result"]["approval"]) == ("void", "rejected")
    assert "the backup runs" in history["result"]["said"]


def test_what_was_decided_is_not_decided_again(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    assert house.approve(action, "grace") == "approvals.over"
    assert house.reject(action, "grace") == "approvals.over"


def test_what_somebody_else_was_shown_is_not_approved(house):
    action = house.proposal()["action_id"]
    assert house.approve(action, shown="0" * 64) == "approvals.not_shown"


def test_a_second_proposal_of_the_same_is_denied_while_the_first_waits(house):
    house.run("web-01")
    step = house.step()
    house.propose(step, "playbook.run", "restart", "web-01", key="one")
    second = house.propose(step, "playbook.run", "restart", "web-01", key="two")
    assert (second["verdict"], second["guard"]) == ("denied", "approval")


def test_the_ticket_is_told_of_the_proposal_and_of_its_end(house):
    house.reject(house.proposal()["action_id"])
    rows = house.as_role("owner").execute(
        "SELECT payload FROM audit_work WHERE kind = 'dispatch' AND payload ->> 'why' = 'approval'"
        " ORDER BY created_at"
    )
    assert [row["payload"]["state"] for row in rows] == ["waiting", "rejected"]


# ---------------------------------------------------------------- what voids it
CHANGES = {
    "tree": "UPDATE personas_catalogueentry SET tree_hash = repeat('c', 64)",
    "another approved tree": (
        "UPDATE personas_catalogueentry SET tree_hash = repeat('c', 64),"
        " approved_hash = repeat('c', 64)"
    ),
    "arguments": """UPDATE cmdb_ci SET attributes = '{"pidfile": "/run/other.pid"}'""",
    "ci": "UPDATE cmdb_ci SET name = 'another' WHERE ref = 'web-01'",
    "host": "UPDATE cmdb_ci SET inventory_host_id = 'elsewhere' WHERE ref = 'web-01'",
    "ticket": "UPDATE tickets_ticket SET team = 'people'",
}


@pytest.fixture
def of_ticket(house):
    """A proposal for a ticket that there is, and a host that the CI can move to."""
    owner = house.as_role("owner")
    owner.execute(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, state, priority, impact, urgency)"
        " VALUES ('INC-1', 'incident', 't', 'assigned', 'P3', 2, 2)"
    )
    owner.execute(
        "INSERT INTO cmdb_host (name, connection, source) VALUES ('elsewhere', 'local', 'test')"
    )
    return house.proposal(ticket="INC-1")["action_id"]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_has_changed_since_is_not_approved(house, of_ticket, change):
    house.as_role("owner").execute(change)
    assert house.approve(of_ticket) == "approvals.changed"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_has_changed_since_it_was_approved_is_not_claimed(house, of_ticket, change):
    house.approve(of_ticket)
    house.record()
    house.as_role("owner").execute(change)
    assert house.claim() is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_has_changed_since_it_was_claimed_is_told_to_who_acts(house, of_ticket, change):
    house.approve(of_ticket)
    house.record()
    house.claim()
    assert house.value("executor", "SELECT gate.approval_stands(%s)", of_ticket)
    house.as_role("owner").execute(change)
    assert not house.value("executor", "SELECT gate.approval_stands(%s)", of_ticket)


def test_a_line_in_the_worklog_changes_nothing(house, of_ticket):
    house.as_role("owner").execute(
        "INSERT INTO tickets_logline (ticket_id, n, author, author_kind, visibility, text)"
        " VALUES ('INC-1', 1, 'responder', 'agent', 'public', 'x')"
    )
    assert house.approve(of_ticket) == "ok"


def test_a_card_that_may_only_observe_by_now_has_no_permit(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    house.record()
    house.level("observe")
    assert house.claim() is None


# ---------------------------------------------------------------- what ends it unasked
def swept(house, action):
    house.value("app", "SELECT gate.sweep_approvals()")
    return house.approval(action)["state"]


def test_what_nobody_decides_in_time_expires(house):
    house.as_role("owner").execute("UPDATE approvals_profile SET standard_s = 60")
    action = house.proposal()["action_id"]
    rewind(house, "expires_at = now() - interval '1 s'")
    assert swept(house, action) == "expired"
    assert house.step()["history"][-1]["outcome"] == "expired"


def rewind(house, what):
    """Put a proposal back in time, as only who may switch off triggers can."""
    owner = house.as_role("owner")
    owner.execute("ALTER TABLE approvals_approval DISABLE TRIGGER guard_approval")
    owner.execute(f"UPDATE approvals_approval SET {what}")
    owner.execute("ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER guard_approval")


def test_what_is_expired_is_not_approved_even_before_the_sweep(house):
    action = house.proposal()["action_id"]
    rewind(house, "expires_at = now() - interval '1 s'")
    assert house.approve(action) == "approvals.over"


def test_a_ticket_that_a_person_takes_takes_its_proposal_back(house):
    action = house.proposal(ticket="INC-7")["action_id"]
    house.value("app", "SELECT gate.take_over('INC-7', 'ada', 'mine')")
    assert house.approve(action) == "approvals.over"
    assert swept(house, action) == "withdrawn"


def test_a_stop_takes_it_back(house):
    action = house.proposal()["action_id"]
    house.value("app", "SELECT gate.press_stop('ada', 'test')")
    assert house.approve(action) == "approvals.stopped"
    assert swept(house, action) == "withdrawn"


def test_what_goes_on_waiting_is_left_alone(house):
    action = house.proposal()["action_id"]
    assert swept(house, action) == "waiting"


def test_an_approved_permit_that_ran_out_shows_in_its_approval(house):
    action = house.proposal()["action_id"]
    house.approve(action)
    house.as_role("owner").execute("UPDATE audit_work SET expires_at = now() - interval '1 s'")
    house.value("app", "SELECT count(*) FROM gate.reconcile()")
    assert swept(house, action) == "expired"


# ---------------------------------------------------------------- frozen
TAMPERING = {
    "another hash of what was shown": "UPDATE approvals_approval SET shown_sha256 = 'x'",
    "other facts": "UPDATE approvals_approval SET facts = '{}', shown = '{}'",
    "another approver": "UPDATE approvals_approval SET approver = 'person:grace'",
    "independent after all": "UPDATE approvals_approval SET independent = NOT independent",
    "another tree": "UPDATE approvals_approval SET tree_hash = repeat('0', 64)",
    "back to waiting": "UPDATE approvals_approval SET state = 'waiting'",
    "gone": "DELETE FROM approvals_approval",
    "all gone": "TRUNCATE approvals_approval CASCADE",
    "another target of the action": "UPDATE personas_action SET target = 'old-01'",
    "other arguments of the action": 'UPDATE personas_action SET args = \'{"pidfile": "/x"}\'',
    "another tree of the action": "UPDATE personas_action SET tree_hash = repeat('0', 64)",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING.keys())
def test_what_was_approved_stays_even_for_the_owner(house, statement):
    house.approve(house.proposal()["action_id"])
    owner = house.as_role("owner")
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)):
        owner.execute(statement)


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING.keys())
def test_its_triggers_are_on_whatever_a_session_says(house, servers, database_name, statement):
    house.approve(house.proposal()["action_id"])
    with (
        psycopg.connect(servers.superuser_dsn(database_name), autocommit=True) as link,
        pytest.raises(psycopg.Error),
    ):
        link.execute("SET session_replication_role = replica")
        link.execute(statement)
