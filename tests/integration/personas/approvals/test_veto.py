"""Level veto: it happens by itself, once people were told and had their time to object."""

import json

import pytest


@pytest.fixture
def announced(house):
    """A recorded permit that people may object to; returns its action."""
    house.level("veto")
    action = house.proposal()["action_id"]
    house.record()
    return action


def back(house, seconds):
    """Let time pass for what waits."""
    owner = house.as_role("owner")
    owner.execute("ALTER TABLE approvals_approval DISABLE TRIGGER guard_approval")
    owner.execute(
        "UPDATE approvals_approval SET not_before = not_before - make_interval(secs => %s)",
        [seconds],
    )
    owner.execute("ALTER TABLE approvals_approval ENABLE ALWAYS TRIGGER guard_approval")
    owner.execute(
        "UPDATE audit_work SET not_before = not_before - make_interval(secs => %s)"
        " WHERE kind = 'effect'",
        [seconds],
    )
    owner.execute(
        "UPDATE personas_action SET settled_at = settled_at - make_interval(secs => %s)", [seconds]
    )


def tell(house, action):
    """Have a person told by a notice, as the desk does."""
    house.value("app", "SELECT gate.told_of_veto(%s, 'key')", action)
    args = {"kind": "http", "target": "http://inbox", "title": "t", "text": "t"}
    house.value(
        "app", "SELECT gate.order_notice('veto', 'key', 'INC-1', %s::jsonb)", json.dumps(args)
    )
    house.record()
    house.settle(house.claim("executor.light"))


def test_it_has_a_permit_that_waits(house, announced):
    assert house.action(announced)["verdict"] == "authorised"
    assert house.claim() is None


def test_it_happens_when_people_were_told_and_nobody_objected(house, announced):
    tell(house, announced)
    back(house, 301)
    assert house.claim()["action_id"] == announced
    assert house.approval(announced)["state"] == "unopposed"


def test_it_does_not_happen_while_their_time_runs(house, announced):
    tell(house, announced)
    back(house, 200)
    assert house.claim() is None


def test_their_time_runs_from_when_they_were_told(house, announced):
    back(house, 301)
    tell(house, announced)
    assert house.claim() is None


def test_where_nobody_could_be_told_it_never_happens(house, announced):
    back(house, 301)
    assert house.claim() is None


def test_a_notice_of_something_else_tells_nobody(house, announced):
    args = {"kind": "http", "target": "http://inbox", "title": "t", "text": "t"}
    house.value(
        "app", "SELECT gate.order_notice('veto', 'other', 'INC-1', %s::jsonb)", json.dumps(args)
    )
    house.record()
    house.settle(house.claim("executor.light"))
    back(house, 301)
    assert house.claim() is None


def test_who_objects_ends_it(house, announced):
    tell(house, announced)
    assert house.reject(announced, "lin", "not on a Friday") == "ok"
    back(house, 301)
    assert house.claim() is None
    history = house.step()["history"][-1]
    assert (history["outcome"], history["result"]["approval"]) == ("void", "vetoed")


def test_an_objection_is_on_record(house, announced):
    house.reject(announced, "lin", "not on a Friday")
    assert house.entries("person.vetoed")[-1]["body"]["why"] == "not on a Friday"


def test_it_cannot_be_approved_early(house, announced):
    assert house.approve(announced) == "approvals.over"


def test_after_it_has_begun_an_objection_comes_too_late(house, announced):
    tell(house, announced)
    back(house, 301)
    house.claim()
    assert house.reject(announced) == "approvals.over"


def test_a_change_that_is_not_standard_is_never_left_to_silence(house):
    house.level("veto")
    house.risk("medium")
    assert house.proposal()["verdict"] == "proposed"


def test_what_has_changed_since_does_not_happen(house, announced):
    tell(house, announced)
    back(house, 301)
    house.as_role("owner").execute("UPDATE cmdb_ci SET name = 'another'")
    assert house.claim() is None


def test_what_expires_unheard_is_told_and_ends(house, announced):
    house.as_role("owner").execute("UPDATE audit_work SET expires_at = now() - interval '1 s'")
    house.value("app", "SELECT count(*) FROM gate.reconcile()")
    house.value("app", "SELECT gate.sweep_approvals()")
    assert house.approval(announced)["state"] == "expired"
