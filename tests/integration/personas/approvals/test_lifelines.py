"""What the house stands on: never without a person, and with one only as it is said here."""

import pytest

LIFELINE = "dns-01"


@pytest.fixture
def proposed(house):
    """A proposal about a lifeline, of low risk, at level propose."""
    house.enrol("ada")
    return house.proposal(ci=LIFELINE)


@pytest.mark.parametrize("level", ["observe", "veto", "act"])
def test_no_level_but_propose_reaches_it(house, level):
    house.level(level)
    said = house.proposal(ci=LIFELINE)
    assert (said["verdict"], said["guard"]) == ("denied", "lifeline")


def test_a_proposal_waits_for_a_person(proposed):
    assert (proposed["verdict"], proposed["guard"]) == ("proposed", "approval")


def test_even_a_standard_change_needs_a_second_factor(house, proposed):
    assert house.approval(proposed["action_id"])["change_class"] == "standard"
    assert house.approve(proposed["action_id"]) == "approvals.wrong_code"


def test_with_it_and_by_somebody_else_it_is_done(house, proposed):
    action = proposed["action_id"]
    assert house.approve(action, code=house.code("ada")) == "ok"
    house.record()
    assert house.claim()["action_id"] == action


def test_who_asked_for_it_does_not_approve_it(house):
    house.enrol("ada")
    run = house.run(LIFELINE)
    house.as_role("owner").execute(
        "UPDATE personas_agentintent SET requested_by = 'person:ada' WHERE id ="
        " (SELECT intent_id FROM personas_run WHERE id = %s)",
        [run],
    )
    step = house.step()
    action = house.propose(step, "playbook.run", "restart", LIFELINE)["action_id"]
    house.finish(step)
    assert house.approve(action, code=house.code("ada")) == "approvals.not_independent"


def test_where_one_operates_alone_it_is_not_even_proposed(house):
    house.single()
    said = house.proposal(ci=LIFELINE)
    assert (said["verdict"], said["guard"]) == ("denied", "lifeline")
    assert "by hand" in said["reason"]


def test_who_became_alone_meanwhile_does_not_approve_it(house, proposed):
    house.single()
    assert house.approve(proposed["action_id"], code=house.code("ada")) != "ok"


def test_what_became_a_lifeline_after_a_plain_yes_is_not_done(house):
    house.enrol("ada")
    action = house.proposal()["action_id"]
    house.approve(action)
    house.record()
    house.as_role("owner").execute("UPDATE cmdb_ci SET lifeline = true WHERE ref = 'web-01'")
    assert house.claim() is None
