"""One event per ended run, in the transaction that ends it; and what may not be in it."""

import json

import psycopg
import pytest

from personas.agentops import events
from personas.agentops.models import AgentEvent


def event_of(world, run):
    return world.one("app", "SELECT * FROM agentops_agentevent WHERE session_id = %s", run)


def ended(world, next_="done"):
    """A run that asked for one play and ended."""
    run = world.run("web-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "web-01")
    world.finish(step, next_)
    return run


def settled_late(world):
    """A run that a person ended while the executor acted for it; then the outcome came."""
    run = world.run("web-01")
    world.propose(world.step(), "playbook.run", "restart", "web-01")
    world.record()
    claim = world.claim()
    world.value("owner", "SELECT gate.end_run(%s, 'cancelled', 'ada', '')", run)
    world.settle(claim)
    return run


def test_a_run_at_work_has_no_event(world):
    run = world.run("web-01")
    world.step()
    assert event_of(world, run) is None


@pytest.mark.parametrize(
    ("next_", "state", "code"), [("done", "succeeded", 0), ("failed", "failed", 1)]
)
def test_an_ended_run_has_one_event(world, next_, state, code):
    found = event_of(world, ended(world, next_))
    assert (found["state"], found["exit_code"], found["checkpoint_count"]) == (state, code, 1)


def test_a_transaction_that_does_not_end_the_run_leaves_no_event(world):
    run = world.run("web-01")
    link = world.connect("owner")
    with pytest.raises(psycopg.errors.RaiseException), link.transaction():
        link.execute("SELECT gate.end_run(%s, 'failed', 'no', '')", [run])
        link.execute("DO $$ BEGIN RAISE EXCEPTION 'undone'; END $$")
    assert event_of(world, run) is None


@pytest.mark.parametrize(("state", "code"), [("timed_out", 124), ("cancelled", 143)])
def test_how_a_run_ended_is_its_exit_code(world, state, code):
    run = world.run("web-01")
    world.value("owner", "SELECT gate.end_run(%s, %s, 'over', 'max_duration')", run, state)
    found = event_of(world, run)
    assert (found["exit_code"], found["limit_hit"]) == (code, "max_duration")


def test_the_calls_tell_what_was_asked_and_what_came_of_it(world):
    found = event_of(world, ended(world))["tool_calls"]
    assert [call["tool"] for call in found] == ["playbook.run restart"]
    assert found[0]["input"] == {"target": "web-01", "args": {"pidfile": "/run/web.pid"}}
    assert found[0]["output"]["verdict"] == "authorised"


def test_denied_calls_are_told_with_their_reason(world):
    run = world.run("db-01")
    step = world.step()
    world.propose(step, "playbook.run", "restart", "db-01")
    world.finish(step, "failed")
    said = event_of(world, run)["tool_calls"][0]["output"]
    assert (said["verdict"], said["guard"]) == ("denied", "grant")


def test_a_call_that_is_settled_later_is_told_in_a_higher_revision(world):
    run = settled_late(world)
    found = event_of(world, run)
    assert (found["revision"], found["tool_calls"][0]["output"]["outcome"]) == (2, "done")
    assert found["published_at"] is None


def test_what_is_redacted_goes_from_the_event_too(world):
    run = settled_late(world)
    digest = world.value("app", "SELECT args_digest FROM personas_action WHERE run_id = %s", run)
    world.value("app", "SELECT gate.redact(%s, 'ada', 'names a person')", digest)
    assert "/run/web.pid" not in json.dumps(event_of(world, run)["tool_calls"])


def test_retries_are_counted(world):
    run = world.run("web-01")
    step = world.step()
    world.value(
        "agent", "SELECT gate.release_step(%s, %s, 'broken')", step["work_id"], step["fence"]
    )
    world.as_role("owner").execute("UPDATE audit_work SET not_before = now() WHERE state = 'ready'")
    world.finish(world.step(), "done")
    assert event_of(world, run)["retry_count"] == 1


def test_more_than_the_bound_is_counted_and_not_listed(world):
    world.as_role("owner").execute("UPDATE personas_card SET limits = limits || %s", [
        json.dumps({"max_actions": 80})
    ])  # fmt: skip
    run = world.run("web-01")
    step = world.step()
    for number in range(70):
        world.propose(step, "ticket.comment", "", "INC-0", key=f"k{number}", text="x")
    world.finish(step, "failed")
    found = event_of(world, run)
    assert (found["tool_call_count"], len(found["tool_calls"])) == (70, 64)


SECRETS = [
    ("password=hunter2secret", "hunter2secret"),
    ('{"api_key": "s3cr3tvalue1"}', "s3cr3tvalue1"),
    ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
    ("postgres://ethops:sw0rdf1sh@db/x", "sw0rdf1sh"),
    ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ("ghp_abcdefghijklmnopqrstuvwxyz012345", "ghp_abcdefghij"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----", "MIIEvQIBADAN"),
    ("x" * 290 + " token: 0123456789abcdef", "0123456789"),
    ("the token is 'a b c', secret='two words'", "two words"),
    ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJzdWIiOiIx"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[s for _, s in SECRETS])
def test_what_looks_like_a_secret_is_masked(world, text, secret):
    said = world.value("owner", "SELECT agentops.masked(%s)", text)
    assert secret not in said
    assert len(said) <= 300


def test_plain_words_stay(world):
    text = "The service web-01 answers again; pid 4711, port 8443."
    assert world.value("owner", "SELECT agentops.masked(%s)", text) == text


def test_an_argument_that_is_called_a_secret_is_one(world):
    said = world.value("owner", "SELECT agentops.masked_args(%s)", json.dumps({"db_password": "x"}))
    assert said == {"db_password": "[masked]"}


def test_the_document_has_every_field(world):
    run = ended(world)
    found = events.document(AgentEvent.objects.get(session_id=run))
    assert set(events.FIELDS) <= set(found)
    assert json.loads(events.message(AgentEvent.objects.get(session_id=run))["event"]) == found


FORBIDDEN = [
    ("agent", "SELECT * FROM agentops_agentevent"),
    ("agent", "SELECT agentops.cancel(gen_random_uuid(), 'x', '')"),
    ("agent", "SELECT * FROM agentops_blocked_by"),
    ("executor", "SELECT * FROM agentops_agentevent"),
    ("app", "INSERT INTO agentops_finding (kind, said, facts) VALUES ('anomaly', '', '{}')"),
    ("app", "UPDATE agentops_agentevent SET exit_code = 0"),
    ("app", "DELETE FROM agentops_agentevent"),
    ("app", "UPDATE agentops_throttle SET level = 'open'"),
    ("app", "SELECT agentops.end_run(gen_random_uuid(), 'failed', '', '')"),
]


@pytest.mark.parametrize(("who", "statement"), FORBIDDEN, ids=[f"{w}: {s}" for w, s in FORBIDDEN])
def test_nobody_writes_past_the_doors(world, who, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role(who).execute(statement)


def test_events_are_not_forgotten_within_a_month(world):
    with pytest.raises(psycopg.errors.CheckViolation):
        world.value("app", "SELECT agentops.forget(29)")


def test_old_events_that_were_sent_are_forgotten(world):
    run = ended(world)
    world.as_role("owner").execute(
        "UPDATE agentops_agentevent SET ended_at = now() - interval '40 days', published_at = now()"
    )
    world.value("app", "SELECT agentops.forget(30)")
    assert event_of(world, run) is None
