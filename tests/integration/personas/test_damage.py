"""A ledger that does not verify: nothing risky begins until a named person acknowledges it."""

import json

import psycopg
import pytest


def check(world, *findings, since=0):
    world.as_role("app").execute(
        "INSERT INTO audit_check (since, to_seq, whole, findings, took_us)"
        " VALUES (%s, 9, %s, %s, 1)",
        [since, not findings, json.dumps(findings)],
    )


def risky(world, risk="medium"):
    world.as_role("owner").execute("UPDATE personas_catalogueentry SET risk = %s", [risk])
    return world.authorised()


def acknowledge(world):
    return world.value("app", "SELECT audit.acknowledge('ada', 'seen')")


def trusted(world):
    return world.value("app", "SELECT audit.trusted()")


def test_a_ledger_that_was_never_checked_is_trusted(world):
    assert trusted(world)


def test_nothing_risky_is_permitted_on_a_broken_ledger(world):
    check(world, "#3: broken")
    found = risky(world)
    assert (found["verdict"], found["guard"]) == ("denied", "ledger")


@pytest.mark.parametrize("risk", ["none", "low"])
def test_what_is_harmless_goes_on(world, risk):
    check(world, "#3: broken")
    assert risky(world, risk)["verdict"] == "authorised"


def test_nothing_risky_is_handed_out_once_it_is_broken(world):
    risky(world)
    world.record()
    check(world, "#3: broken")
    assert world.claim() is None


def test_it_says_why_it_waits(world):
    risky(world)
    world.record()
    check(world, "#3: broken")
    why = world.value("app", "SELECT why FROM gate.held_effects()")
    assert "acknowledges" in why


def test_what_waited_goes_on_when_a_person_has_acknowledged(world):
    risky(world)
    world.record()
    check(world, "#3: broken")
    acknowledge(world)
    assert world.claim() is not None


def test_an_acknowledgement_holds_for_the_same_damage(world):
    check(world, "#3: broken")
    acknowledge(world)
    check(world, "#3: broken")
    assert trusted(world)


def test_new_damage_needs_a_new_acknowledgement(world):
    check(world, "#3: broken")
    acknowledge(world)
    check(world, "#3: broken", "#4: broken")
    assert not trusted(world)


def test_looking_at_the_rest_alone_mends_nothing(world):
    check(world, "#3: broken")
    check(world, since=5)
    assert not trusted(world)


def test_a_whole_walk_mends_it(world):
    check(world, "#3: broken")
    check(world)
    assert trusted(world)


def test_there_is_nothing_to_acknowledge_in_a_whole_ledger(world):
    check(world)
    assert acknowledge(world) is False


@pytest.mark.parametrize(("by", "why"), [("", "x"), ("ada", "")])
def test_only_a_named_person_acknowledges_with_a_reason(world, by, why):
    check(world, "#3: broken")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("app", "SELECT audit.acknowledge(%s, %s)", by, why)


def test_an_acknowledgement_is_on_record(world):
    check(world, "#3: broken")
    acknowledge(world)
    world.record()
    body = world.value("app", "SELECT body FROM audit_entry WHERE kind = 'ledger.acknowledged'")
    assert json.loads(body)["body"]["person"] == "ada"


@pytest.mark.parametrize("name", ["agent", "executor", "audit_writer"])
def test_no_other_role_acknowledges(world, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(name, "SELECT audit.acknowledge('ada', 'x')")
