"""The fleet's breaker: what opens it, what it holds back, and how it closes again."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest


def state(world):
    return world.value("app", "SELECT gate.mind_breaker()")


def declare(world, **numbers):
    for name, value in numbers.items():
        world.as_role("owner").execute("INSERT INTO autonomy_policy VALUES (%s, %s)", [name, value])


def fail(world, times):
    """So many plays that failed, each of its own ticket."""
    for _ in range(times):
        world.authorised()
        world.record()
        world.settle(world.claim(), "failed")


def open_it(world):
    world.value("app", "SELECT gate.open_breaker('ada', 'smoke')")


def calm_down(world):
    """As after the declared calm: what went wrong is long ago."""
    owner = world.as_role("owner")
    owner.execute("UPDATE personas_action SET settled_at = settled_at - interval '1 day'")
    owner.execute("UPDATE personas_action SET decided_at = decided_at - interval '1 day'")
    owner.execute("UPDATE autonomy_breaker SET since = since - interval '1 day'")


def test_a_house_where_nothing_happened_has_it_closed(world):
    assert (state(world), world.value("app", "SELECT gate.breaker_open()")) == ("closed", False)


def test_failed_effects_open_it_at_the_declared_number(world):
    declare(world, breaker_failed=2)
    fail(world, 1)
    before = state(world)
    fail(world, 1)
    assert (before, state(world)) == ("closed", "open")


def test_an_effect_in_doubt_counts_as_failed(world):
    declare(world, breaker_failed=1)
    world.authorised()
    world.record()
    claim = world.claim()
    world.as_role("owner").execute(
        "UPDATE audit_work SET state = 'in_doubt', lease_until = NULL WHERE id = %s",
        [claim["action_id"]],
    )
    assert state(world) == "open"


def test_denials_open_it(world):
    declare(world, breaker_denied=3)
    world.run("db-01")
    step = world.step()
    for number in range(3):
        world.propose(step, "playbook.run", "restart", "db-01", key=str(number))
    assert state(world) == "open"


def test_what_the_stop_refused_does_not_open_it(world):
    declare(world, breaker_denied=1)
    world.run("web-01")
    step = world.step()
    world.value("app", "SELECT gate.press_stop('ada', 'test')")
    world.propose(step, "playbook.run", "restart", "web-01")
    assert state(world) == "closed"


def test_runs_that_were_cut_off_at_a_limit_open_it(world):
    declare(world, breaker_abandoned=1)
    run = world.run("web-01")
    world.value("owner", "SELECT gate.end_run(%s, 'timed_out', 'late', 'max_duration')", run)
    assert state(world) == "open"


def test_what_went_wrong_before_the_window_counts_no_more(world):
    declare(world, breaker_failed=1, breaker_window_s=60)
    fail(world, 1)
    calm_down(world)
    assert state(world) == "closed"


def test_open_a_change_that_was_authorised_before_is_not_handed_out(world):
    world.authorised()
    world.record()
    open_it(world)
    assert world.claim() is None


def test_open_people_are_still_told(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    world.record()
    open_it(world)
    assert world.claim("executor.light")["verb"] == "ticket.comment"


def test_what_is_held_back_says_why(world):
    found = world.authorised()
    world.record()
    open_it(world)
    row = world.one("app", "SELECT * FROM gate.held_effects()")
    assert (row["action_id"], row["why"]) == (
        found["action_id"],
        "waits: the breaker of the fleet is open",
    )


def test_after_a_calm_one_change_at_a_time_is_let_through(world):
    open_it(world)
    calm_down(world)
    half = state(world)
    for ci in ("web-01", "web-01"):
        world.authorised(ci)
    world.record()
    assert (half, world.claim() is None, world.claim()) == ("half_open", False, None)


def test_two_that_claim_in_the_same_instant_do_not_both_get_one(world):
    world.as_role("owner").execute(
        "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, lifeline, source)"
        " SELECT 'web-02', 'web-02', ci_class, attributes, 2, 2, false, source FROM cmdb_ci"
        "  WHERE ref = 'web-01'"
    )
    open_it(world)
    calm_down(world)
    state(world)
    for ci in ("web-01", "web-02"):
        world.authorised(ci)
    world.record()

    def claim(_):
        with world.connect("executor") as link:
            return link.execute(
                "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)"
            ).fetchall()

    with ThreadPoolExecutor(2) as pool:
        got = [row for rows in pool.map(claim, range(2)) for row in rows]
    assert len(got) == 1


def test_a_declared_number_of_good_changes_closes_it(world):
    declare(world, breaker_probes=1)
    open_it(world)
    calm_down(world)
    state(world)
    world.authorised()
    world.record()
    world.settle(world.claim())
    assert state(world) == "closed"


def test_one_that_fails_while_it_is_half_open_opens_it_again(world):
    open_it(world)
    calm_down(world)
    state(world)
    fail(world, 1)
    assert state(world) == "open"


def test_without_a_declared_calm_only_a_person_closes_it(world):
    declare(world, breaker_calm_s=0)
    open_it(world)
    calm_down(world)
    assert state(world) == "open"


def test_a_named_person_closes_it_with_a_reason(world):
    open_it(world)
    closed = world.value("app", "SELECT gate.close_breaker('ada', 'the disk was full')")
    assert (closed, state(world)) == (True, "closed")


def test_what_opened_it_does_not_open_it_again_once_a_person_closed_it(world):
    declare(world, breaker_failed=1)
    fail(world, 1)
    state(world)
    world.value("app", "SELECT gate.close_breaker('ada', 'looked')")
    assert state(world) == "closed"


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", " ")])
def test_nobody_closes_it_without_a_name_and_a_reason(world, by, why):
    open_it(world)
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("app", "SELECT gate.close_breaker(%s, %s)", by, why)


@pytest.mark.parametrize("who", ["agent", "executor"])
def test_who_acts_does_not_close_it(world, who):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(who, "SELECT gate.close_breaker('a', 'b')")


def test_each_move_is_on_record(world):
    open_it(world)
    world.value("app", "SELECT gate.close_breaker('ada', 'looked')")
    world.record()
    found = world.as_role("app").execute(
        "SELECT convert_from(body, 'UTF8')::jsonb #>> '{body,state}' AS state FROM audit_entry"
        " WHERE kind = 'breaker.moved' ORDER BY seq"
    )
    assert [row["state"] for row in found] == ["open", "closed"]
