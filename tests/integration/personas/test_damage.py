"""A ledger that does not verify: nothing risky begins until a named person acknowledges it."""

import json

import psycopg
import pytest


def check(world, *findings, since=0):
    world.value(
        "verifier", "SELECT audit.keep_check(%s, 9, NULL, 0, %s, 1)", since, json.dumps(findings)
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


SAY = {
    "by its door": "SELECT audit.keep_check(0, 9, NULL, 0, '[]', 1)",
    "in its table": "INSERT INTO audit_check (since, to_seq, whole, findings, took_us)"
    " VALUES (0, 9, true, '[]', 1)",
    "over what was found": "UPDATE audit_check SET whole = true, findings = '[]'",
    "by taking that away": "DELETE FROM audit_check",
    "for the verifier": "SELECT audit.alive('verifier')",
}


@pytest.mark.parametrize("statement", SAY.values(), ids=SAY.keys())
@pytest.mark.parametrize(
    "name", ["app", "agent", "executor", "gpu", "audit_writer", "audit_signer", "witness"]
)
def test_no_other_role_says_how_the_ledger_stands(world, name, statement):
    check(world, "#3: broken")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(name, statement)
    assert not trusted(world)


def test_who_verifies_cannot_call_whole_what_it_found_broken(world):
    check(world, "#3: broken")
    found = world.one("app", "SELECT whole, findings FROM audit_check")
    assert found == {"whole": False, "findings": ["#3: broken"]}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "SELECT audit.acknowledge('ada', 'x')",
        "SELECT audit.redact('x', 'ada', 'x')",
        "SELECT audit.note('person.noted', 'x', '', '{}')",
        "UPDATE audit_check SET whole = true",
        "SELECT * FROM personas_step",
        "SELECT * FROM tickets_ticket",
    ],
)
def test_the_verifier_does_nothing_else(world, statement):
    check(world, "#3: broken")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value("verifier", statement)
