"""Who takes a step has a key, and what it asks is signed in a chain of its own."""

import hashlib
import json
from dataclasses import replace

import psycopg
import pytest

from audit.signatures import holds
from personas.incarnation import Incarnation, Signed
from tests.doubles.agent import propose, said


def entries(world, kind=""):
    world.record()
    rows = world.as_role("app").execute("SELECT seq, kind, body FROM audit_entry ORDER BY seq")
    said = [{**json.loads(row["body"]), "seq": row["seq"]} for row in rows]
    return [one for one in said if one["kind"].startswith(kind)]


def signed_step(world):
    world.run("web-01")
    step = world.step()
    for key in ("a", "b"):
        world.propose(step, "ticket.comment", "", step["ticket_ref"], key=key, text=key)
    world.finish(step)
    return step


def test_a_birth_is_on_record_with_the_public_half(world):
    step = signed_step(world)
    (birth,) = entries(world, "run.incarnation")[:1]
    assert birth["body"]["instance_key"] == step["signer"].public_key.hex()


def test_an_end_carries_the_count(world):
    signed_step(world)
    end = entries(world, "run.incarnation_end")[0]["body"]
    assert (end["count"], end["ending"]) == (3, "finished")


def test_every_statement_is_signed_by_the_key_of_the_birth(world):
    step = signed_step(world)
    signed = [one["body"]["signed"] for one in entries(world) if "signed" in one["body"]]
    key = step["signer"].public_key.hex()
    assert [
        holds(key=key, statement=one["statement"], signature=one["signature"]) for one in signed
    ] == [True, True, True]


def test_statements_are_a_chain(world):
    signed_step(world)
    signed = [
        one["body"]["signed"]["statement"] for one in entries(world) if "signed" in one["body"]
    ]
    prevs = [json.loads(one)["instance_prev"] for one in signed]
    hashes = [hashlib.sha256(one.encode()).hexdigest() for one in signed]
    assert prevs == ["00" * 32, *hashes[:-1]]


def test_the_recorder_says_that_a_signature_holds(world):
    signed_step(world)
    assert all(one["body"]["signed"]["holds"] for one in entries(world) if "signed" in one["body"])


def test_the_recorder_says_that_a_signature_does_not_hold(world):
    world.run("web-01")
    step = world.step()
    found = foreign(world, step)
    (entry,) = entries(world, "action.authorised")
    assert (found["verdict"], entry["body"]["signed"]["holds"]) == ("authorised", False)


def foreign(world, step):
    """Propose with the right words and a signature by another key."""
    forger = replace(step["signer"], key=Incarnation.mint().key)
    return propose(
        world.as_role("agent"), {**step, "signer": forger}, "k", "playbook.run", "restart", "web-01"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"verb": "ticket.resolve"},
        {"target": "db-01"},
        {"step": 2},
        {"card": "other"},
        {"instance_seq": 2},
        {"instance_prev": "11" * 32},
        {"asked_digest": "00" * 32},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_signed_otherwise_is_not_permitted(world, change):
    world.run("web-01")
    step = world.step()
    whole = {
        **said(step, "propose"),
        "key": "k",
        "verb": "playbook.run",
        "entry": "restart",
        "target": "web-01",
        **change,
    }
    signed = step["signer"].sign(whole)
    link = world.as_role("agent")
    found = propose(link, step, "k", "playbook.run", "restart", "web-01", signed=signed)
    assert (found["verdict"], found["guard"]) == ("denied", "signature")


@pytest.mark.parametrize("signed", [Signed("", ""), Signed("{", "00" * 64), Signed("[]", "x")])
def test_what_is_not_signed_is_not_permitted(world, signed):
    world.run("web-01")
    link = world.as_role("agent")
    found = propose(link, world.step(), "k", "playbook.run", "restart", "web-01", signed=signed)
    assert (found["verdict"], found["guard"], found["counted"]) == ("denied", "signature", False)


def test_a_statement_cannot_be_used_twice(world):
    world.run("web-01")
    step = world.step()
    link = world.as_role("agent")
    ref = step["ticket_ref"]
    before = replace(step["signer"])
    propose(link, step, "k", "ticket.comment", "", ref, {"text": "x"})
    found = propose(link, {**step, "signer": before}, "l", "ticket.comment", "", ref, {"text": "x"})
    assert (found["verdict"], found["guard"]) == ("denied", "signature")


def test_a_step_does_not_end_unsigned(world):
    world.run("web-01")
    step = world.step()
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value(
            "agent",
            "SELECT gate.finish_step(%s, %s, %s, '{}', '{}', '{}', 'continue', 0, '', '{}', '')",
            step["work_id"],
            step["fence"],
            step["token"],
        )


def test_nobody_takes_a_step_without_a_key(world):
    world.run("web-01")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("agent", "SELECT gate.claim_step('test', 30, NULL, NULL)")


def test_who_died_is_ended_by_who_takes_over(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    world.as_role("owner").execute("UPDATE audit_work SET lease_until = now() - interval '1 s'"
                                   " WHERE state = 'leased'")  # fmt: skip
    world.value("app", "SELECT count(*) FROM gate.reconcile()")
    world.step()
    end = entries(world, "run.incarnation_end")[0]["body"]
    assert (end["instance"], end["count"], end["ending"]) == (str(step["signer"].id), 1, "lost")


def test_an_answer_from_before_is_no_link_of_the_new_chain(world):
    world.run("web-01")
    step = world.step()
    world.propose(step, "ticket.comment", "", step["ticket_ref"], text="x")
    world.value("agent", "SELECT gate.release_step(%s, %s, 'x')", step["work_id"], step["fence"])
    world.as_role("owner").execute("UPDATE audit_work SET not_before = now()")
    again = world.step()
    found = world.propose(again, "ticket.comment", "", again["ticket_ref"], text="x")
    assert (found["counted"], world.finish(again)) == (False, "ok")


def test_the_private_half_is_nowhere_in_the_database(world):
    step = signed_step(world)
    private = step["signer"].key.private_bytes_raw()
    tables = (
        world.as_role("owner")
        .execute(
            "SELECT format('%I', relname) AS name FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        .fetchall()
    )
    found = [
        table["name"]
        for table in tables
        if world.value(
            "owner",
            f"SELECT count(*) FROM {table['name']} t WHERE t::text ~ %s",
            private.hex(),
        )
    ]
    assert found == []
