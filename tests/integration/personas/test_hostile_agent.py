"""The agent's role by direct SQL: whatever a hostile process of it says, nothing works."""

import psycopg
import pytest

from audit.commitments import commitment
from audit.ledger import instances
from tests.doubles.agent import PROPOSE, propose, said

HARMFUL = {
    "insert work": "INSERT INTO audit_work (kind, queue, state) VALUES ('effect','x','ready')",
    "read work": "SELECT * FROM audit_work",
    "make work ready": "UPDATE audit_work SET state = 'ready'",
    "delete work": "DELETE FROM audit_work",
    "read actions": "SELECT * FROM personas_action",
    "authorise itself": "UPDATE personas_action SET verdict = 'authorised'",
    "read tokens": "SELECT token_hash FROM personas_run",
    "mint a token": "UPDATE personas_run SET token_hash = 'x'",
    "grant itself": "INSERT INTO personas_grant (card_id, verb) VALUES ('responder','x')",
    "promote itself": "SELECT gate.set_autonomy('responder','restart','cache','act','me','x')",
    "pin a playbook": "UPDATE personas_catalogueentry SET approved_hash = tree_hash",
    "lift the stop": "SELECT gate.lift_stop('me', 'x')",
    "press the stop": "SELECT gate.press_stop('me', 'x')",
    "write the stop": "UPDATE personas_stop SET stopped = false",
    "bear a run": "SELECT gate.dispatch('responder','INC-1',0,'[]','joined','{}','x')",
    "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays','x',30)",
    "settle": "SELECT gate.settle(gen_random_uuid(), 1, 'done', '{}')",
    "judge": "SELECT gate.deny('a', 'b')",
    "inner claim": "SELECT * FROM audit.lease_out('executor.plays', ARRAY['effect'], 'x', 30)",
    "inner work": "SELECT audit.put_work('effect','executor.plays','ready','x','{}',NULL,0,NULL,1)",
    "enqueue": "SELECT audit.enqueue('intake','control','x','{}')",
    "forge a fact": "SELECT audit.put_pending('action.authorised','x','','{}')",
    "note a fact": "SELECT audit.note('ticket.opened','x','','{}')",
    "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
    "record": "CALL audit.record(ARRAY[]::bigint[], ARRAY[]::bytea[])",
    "stamp": "SELECT audit.stamp()",
    "read entries": "SELECT * FROM audit_entry",
    "write an entry": "INSERT INTO audit_entry VALUES (1,'','','','x','x','x',now())",
    "swap a key": "UPDATE personas_incarnation SET public_key = 'x'",
    "sign for another": "SELECT gate.take_statement(gen_random_uuid(), '{}', 'x', '{}')",
    "end another": "SELECT gate.end_incarnation(gen_random_uuid(), 'lost')",
    "read values": "SELECT * FROM audit_value",
    "redact": "SELECT gate.redact('x', 'me', 'x')",
    "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
    "call it whole": "INSERT INTO audit_check (since, to_seq, whole, findings, took_us)"
    " VALUES (0, 9, true, '[]', 1)",
    "say that it is whole": "SELECT audit.keep_check(0, 9, NULL, 0, '[]', 1)",
    "call the verifier alive": "SELECT audit.alive('verifier')",
    "declare an epoch": "SELECT audit.declare_epoch('me', 'x', 1, '')",
    "declare retention": "SELECT audit.declare_pruning(1, 2, 'p', 0, repeat('a', 64), 'me', 'x')",
    "prune": "SELECT audit.prune(1)",
    "break the glass": "SELECT audit.import_break_glass('me', 'x', '', now(), repeat('a', 64),"
    " 'me', true)",
    "call the recorder alive": "SELECT audit.alive('recorder')",
    "call the signer alive": "SELECT audit.alive('checkpointer')",
    "delete entries": "DELETE FROM audit_entry",
    "truncate entries": "TRUNCATE audit_entry",
    "read the head": "SELECT * FROM audit_head",
    "move the head": "UPDATE audit_head SET seq = 0",
    "lock the head": "SELECT * FROM audit_head FOR UPDATE",
    "read tickets": "SELECT * FROM tickets_ticket",
    "close tickets": "UPDATE tickets_ticket SET state = 'closed'",
    "write a worklog": "INSERT INTO tickets_logline DEFAULT VALUES",
    "change a CI": "UPDATE cmdb_ci SET lifeline = false",
    "write through a view": "UPDATE reading.ci SET ci_class = 'x'",
    "read logins": "SELECT * FROM auth_user",
    "read passwords": "SELECT * FROM pg_authid",
    "become the owner": "SET ROLE ethops_owner",
    "become the app": "SET SESSION AUTHORIZATION ethops_app",
    "make a table": "CREATE TABLE public.x (a int)",
    "make a temporary table": "CREATE TEMP TABLE audit_work (a int)",
    "make a schema": "CREATE SCHEMA mine",
    "replace a guard": "CREATE OR REPLACE FUNCTION gate.stopped() RETURNS boolean"
    " LANGUAGE sql AS 'SELECT false'",
    "drop a guard": "DROP FUNCTION gate.stopped()",
    "switch a trigger off": "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "replica role": "SET session_replication_role = replica",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "load a library": "LOAD 'x'",
    "end others": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> user"
    " AND pg_terminate_backend(pid)",
}


def test_no_harmful_statement_works(world):
    # Something to harm: without a row some statements would pass for want of a victim.
    world.authorised()
    others = world.connect("executor")
    worked = [name for name, statement in HARMFUL.items() if not refused(world, statement)]
    others.execute("SELECT 1")
    assert worked == []


def refused(world, statement):
    with world.connect("agent") as link:
        try:
            link.execute(statement)
        except psycopg.Error:
            return True
    return False


@pytest.mark.parametrize("name", ["app", "executor", "agent", "audit_writer"])
def test_no_role_may_change_an_entry(world, name):
    world.authorised()
    world.record()
    with pytest.raises(psycopg.Error):
        world.as_role(name).execute("UPDATE audit_entry SET kind = 'x'")


def test_the_owner_may_not_change_an_entry_either(world):
    world.authorised()
    world.record()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role("owner").execute("DELETE FROM audit_entry")


def test_the_app_cannot_make_an_effect(world):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value("app", "SELECT audit.enqueue('effect', 'executor.plays', 'x', '{}')")


def test_the_app_cannot_forge_a_decision(world):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value("app", "SELECT audit.note('action.authorised', 'x', '', '{}')")


def test_the_executor_cannot_propose(world):
    world.run("web-01")
    step = world.step()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.value(
            "executor",
            "SELECT gate.propose(%s, %s, 1, 'k', 'playbook.run', 'restart', 'web-01', '{}', '', '',"
            " '')",
            step["run_id"],
            step["token"],
        )


def test_every_definer_function_pins_its_search_path(world):
    loose = (
        world.as_role("owner")
        .execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname IN ('audit', 'gate', 'agentops', 'memory') AND p.prosecdef"
            " AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=public, pg_temp']"
        )
        .fetchall()
    )
    assert loose == []


def test_no_function_is_executable_by_everybody(world):
    loose = (
        world.as_role("owner")
        .execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
            " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
            " WHERE n.nspname IN ('audit', 'gate', 'agentops', 'memory') AND a.grantee = 0"
        )
        .fetchall()
    )
    assert loose == []


def verified(world):
    world.record()
    return list(instances.faults(since=0, upto=10_000))


HOSTILE = {
    "no entry": ("ticket.comment", None, {"text": "x"}),
    "a long name of an argument": ("ticket.comment", "", {"x" * 70_000: "y"}),
}


@pytest.mark.parametrize("asked", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_agent_cannot_make_a_whole_ledger_look_damaged(world, asked):
    verb, entry, args = asked
    world.run("web-01")
    step = world.step()
    propose(world.as_role("agent"), step, "k", verb, entry, step["ticket_ref"], args)
    propose(world.as_role("agent"), step, "l", "ticket.comment", "", step["ticket_ref"],
            {"text": "y"})  # fmt: skip
    world.finish(step)
    assert verified(world) == []


UNREADABLE = {
    "no JSON": "{text: x}",
    "a letter that no text holds": '{"text":"\\u0000"}',
    "a number beyond all numbers": '{"text":1e999999}',
    "deeper than the parser goes": "[" * 60_000 + "]" * 60_000,
    "longer than a value may be": '{"text":"x"' + " " * 200_000 + "}",
}


@pytest.mark.parametrize("args", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_arguments_that_nobody_can_read_are_denied_on_record(world, args):
    world.run("web-01")
    step = world.step()
    found = ask(world, step, args, "00" * 16)
    world.record()
    assert (found["verdict"], found["guard"]) == ("denied", "arguments")
    kinds = world.as_role("owner").execute(
        "SELECT kind FROM audit_entry WHERE subject = %s", [str(found["action_id"])]
    )
    assert [row["kind"] for row in kinds] == ["action.denied"]


def test_what_is_left_out_is_denied_on_record(world):
    run = world.run("web-01")
    token = world.step()["token"]
    for step in (1, None):
        found = world.one(
            "agent",
            PROPOSE,
            *(run, token, step),
            *[None] * 8,
        )
        assert found["verdict"] == "denied"
    rows = "SELECT count(*) FROM personas_action WHERE run_id = %s"
    assert world.value("app", rows, run) == 2


def test_a_long_key_asked_again_gets_its_first_answer(world):
    world.run("web-01")
    step = world.step()
    first, again = (world.propose(step, "ticket.comment", key="k" * 70) for _ in range(2))
    assert first["action_id"] == again["action_id"]


def ask(world, step, args, salt):
    """Ask for a comment with these very arguments; signed as who takes the step does."""
    sent = step["signer"].sign(
        {
            **said(step, "propose"), "key": "k", "verb": "ticket.comment", "entry": "",
            "target": step["ticket_ref"],
            "asked_digest": commitment(bytes.fromhex(salt), args),
        }
    )  # fmt: skip
    row = world.as_role("agent").execute(
        PROPOSE,
        [
            *(step["run_id"], step["token"], step["number"], "k", "ticket.comment", ""),
            *(step["ticket_ref"], args, salt, sent.statement, sent.signature),
        ],
    )
    return row.fetchone()


def settled(world, args, salt):
    world.run("web-01")
    step = world.step()
    action = ask(world, step, args, salt)["action_id"]
    world.record()
    claim = world.claim("executor.light")
    world.settle(claim)
    return action


def test_words_that_were_taken_away_do_not_come_back_with_their_salt(world):
    args, salt = '{"text":"a name"}', "01" * 16
    settled(world, args, salt)
    digest = commitment(bytes.fromhex(salt), args)
    world.value("app", "SELECT gate.redact(%s, 'ada', 'a name')", digest)
    again = settled(world, args, salt)
    world.value("app", "SELECT gate.redact(%s, 'ada', 'a name')", digest)
    assert world.value("app", "SELECT args FROM personas_action WHERE id = %s", again) == {}
