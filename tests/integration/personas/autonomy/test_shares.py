"""An hour's bound is shared out: trouble on a few CIs uses up nobody else's repair."""

import pytest

BOUND = 8


@pytest.fixture
def shared(world):
    """Eight uses an hour, on eight CIs of one class, one of which matters most."""
    owner = world.as_role("owner")
    owner.execute("UPDATE personas_catalogueentry SET max_per_hour = %s", [BOUND])
    for number in range(BOUND):
        owner.execute(
            "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, lifeline,"
            " source) VALUES (%(ref)s, %(ref)s, 'service', %(facts)s, %(impact)s, 2,"
            " false, 'test')",
            {
                "ref": f"shop-{number}",
                "facts": '{"pidfile": "/run/x.pid"}',
                "impact": 1 if number == 0 else 2,
            },
        )
    return world


def ask(world, ci):
    """What comes of one more incident of this CI; whatever is permitted is done."""
    run = world.run(ci)
    said = world.propose(world.step(), "playbook.run", "restart", ci)
    world.value(
        "app",
        "SELECT gate.take_over(ticket_ref, 'ada', 'over') FROM personas_run WHERE id = %s",
        run,
    )
    world.as_role("owner").execute(
        "UPDATE personas_action SET outcome = 'done' WHERE id = %s AND verdict = 'authorised'",
        [said["action_id"]],
    )
    return said["guard"] or said["verdict"]


def site_says(world, **numbers):
    for name, value in numbers.items():
        world.as_role("owner").execute("INSERT INTO autonomy_policy VALUES (%s, %s)", [name, value])


def test_one_ci_has_half_of_an_hour_and_others_have_theirs(shared):
    assert [ask(shared, "shop-1") for _ in range(5)] == ["authorised"] * 4 + ["hour_share"]
    assert ask(shared, "shop-2") == "authorised"


def test_the_last_quarter_is_kept_for_cis_of_the_highest_impact(shared):
    said = [ask(shared, f"shop-{number}") for number in (1, 1, 1, 2, 2, 2, 3)]
    assert said == ["authorised"] * 6 + ["hour_share"]
    assert [ask(shared, "shop-0") for _ in range(3)] == ["authorised"] * 2 + ["uses"]


def test_it_says_why(shared):
    for _ in range(4):
        ask(shared, "shop-1")
    ask(shared, "shop-1")
    reason = shared.value(
        "app", "SELECT reason FROM personas_action WHERE guard = 'hour_share' LIMIT 1"
    )
    assert reason == (
        "restart was used 4 times on shop-1 within an hour, which is its share of 8: a person must"
        " look"
    )


def test_the_fleets_hour_is_shared_in_the_same_way(shared):
    site_says(shared, fleet_changes_per_hour=4)
    assert [ask(shared, f"shop-{n}") for n in (1, 2, 3, 4)] == ["authorised"] * 3 + ["hour_share"]
    assert ask(shared, "shop-0") == "authorised"
    assert ask(shared, "shop-0") == "fleet_ceiling"


def test_the_site_sets_both_numbers(shared):
    site_says(shared, hour_share=1, hour_reserve=0)
    assert [ask(shared, "shop-1") for _ in range(9)] == ["authorised"] * 8 + ["uses"]


def test_a_word_of_a_model_about_priority_opens_no_reserve(shared):
    """Whoever may assign tickets may call them urgent; the CMDB's impact is nobody's word."""
    for number in (1, 1, 1, 2, 2, 2):
        ask(shared, f"shop-{number}")
    shared.as_role("owner").execute(
        "INSERT INTO tickets_ticket (ref, ticket_class, title, state, priority, impact, urgency)"
        " VALUES ('INC-1', 'incident', 't', 'assigned', 'P1', 1, 1)"
    )
    shared.run("shop-3", ticket="INC-1")
    assert (
        shared.propose(shared.step(), "playbook.run", "restart", "shop-3")["guard"] == "hour_share"
    )


def test_the_least_share_is_one(shared):
    shared.as_role("owner").execute("UPDATE personas_catalogueentry SET max_per_hour = 1")
    assert [ask(shared, "shop-1") for _ in range(2)] == ["authorised", "uses"]
