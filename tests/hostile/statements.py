"""Harmful SQL, by the role that says it: what it would do stands beside it.

A statement that no role has a right to is said by all of them. What a role may do by its office
(the recorder appends, the app writes tickets) is no harm and does not stand here.
"""

from typing import Final

EVERYBODY: Final[dict[str, str]] = {
    # decisions
    "authorise what was denied": "UPDATE personas_action SET verdict = 'authorised'",
    "forge an outcome": "UPDATE personas_action SET outcome = 'done'",
    "add an authorised action": "INSERT INTO personas_action (key, principal, verb, verdict)"
    " VALUES ('k', 'run:x', 'playbook.run', 'authorised')",
    "judge for itself": "SELECT gate.judge(NULL::gate.ask)",
    "take a guard away": "DELETE FROM gate.guard",
    "empty the guards": "TRUNCATE gate.guard",
    "narrow a guard": "UPDATE gate.guard SET verbs = '{nothing}'",
    "add a guard of its own": "INSERT INTO gate.guard VALUES ('x', 1, '{}', 'x')",
    "replace a guard": "CREATE OR REPLACE FUNCTION gate.guard_stop(p gate.ask) RETURNS text"
    " LANGUAGE sql AS 'SELECT NULL::text'",
    "drop a guard's function": "DROP FUNCTION gate.guard_stop(gate.ask)",
    "rename a guard's function": "ALTER FUNCTION gate.guard_stop(gate.ask) RENAME TO gone",
    "own a guard": "ALTER FUNCTION gate.guard_stop(gate.ask) OWNER TO CURRENT_USER",
    "loosen a path": "ALTER FUNCTION gate.guard_stop(gate.ask) SET search_path = pg_temp, public",
    "make the doors its own": "ALTER SCHEMA gate OWNER TO CURRENT_USER",
    # rights and runs
    "grant itself a verb": "INSERT INTO personas_grant (card_id, verb)"
    " VALUES ('triage', 'playbook.run')",
    "widen a card": "UPDATE personas_card SET limits = '{\"max_actions\": 50}'",
    "enable a card": "UPDATE personas_card SET enabled = true",
    "promote": "UPDATE personas_autonomy SET level = 'act'",
    "mint a token": "UPDATE personas_run SET token_hash = sha256('x')",
    "give a run time": "UPDATE personas_run SET deadline = now() + interval '1 year'",
    "give a run budget": "UPDATE personas_run SET actions = 0, max_actions = 1000",
    "wake the dead": "UPDATE personas_run SET state = 'running', ended_at = NULL",
    "widen a scope": "UPDATE personas_agentintent SET scope = '[\"x\"]'",
    "swap a key": "UPDATE personas_incarnation SET public_key = 'x'",
    "sign for another": "SELECT gate.take_statement(gen_random_uuid(), '{}', 'x', '{}')",
    # the catalogue and the world
    "pin what was changed": "UPDATE personas_catalogueentry SET approved_hash = tree_hash",
    "loosen a parameter": "UPDATE personas_catalogueentry SET parameters = '{}'",
    "raise the hourly bound": "UPDATE personas_catalogueentry SET max_per_hour = 1000",
    "end a lifeline": "UPDATE cmdb_ci SET lifeline = false",
    "declare an attribute": 'UPDATE cmdb_ci SET attributes = \'{"pidfile": "/x"}\'',
    "say of a CI what the site says": "UPDATE cmdb_claim SET value = 'false'",
    "take a word back": "DELETE FROM cmdb_claim",
    "count before the site": "UPDATE cmdb_precedence SET place = 0 WHERE kind = 'desk'",
    "speak as the owner": "SELECT cmdb.say('import:x', '[]', NULL)",
    "speak at the desk without a code": "SELECT cmdb.say_at_desk('web-01', '{}')",
    "make a CI of nothing": "SELECT cmdb.resolve(ARRAY['web-01'])",
    "accept what is proposed by its row": "UPDATE cmdb_proposal SET state = 'accepted'",
    "propose by the row": "INSERT INTO cmdb_proposal (key, kind, name, ref, said, source,"
    " first_seen_at, last_seen_at) VALUES ('x', 'host', 'x', 'x', '{}', 'x', now(), now())",
    # approvals
    "approve by the row": "UPDATE approvals_approval SET state = 'approved',"
    " approver = 'person:ada', independent = true, decided_at = now()",
    "read a second factor": "SELECT secret FROM approvals_factor",
    "give itself a second factor": "SELECT gate.enrol_factor('ada', 'me')",
    "operate alone": "UPDATE approvals_profile SET single = true, delay_s = 0",
    "forget a taint": "DELETE FROM approvals_taint",
    "change what was fixed": "UPDATE approvals_runplan SET digest = 'x'",
    "take an author away": "DELETE FROM approvals_author",
    # the breaker and figures
    "close the breaker by its row": "UPDATE autonomy_breaker SET state = 'closed'",
    "raise a number": "UPDATE autonomy_policy SET value = 1e9",
    "forget what was spent": "UPDATE autonomy_spent SET tokens_in = 0",
    "have merged elsewhere": "UPDATE pulls_followed SET state = 'merged'",
    "tell a ticket of a merge": "SELECT gate.order_told(NULL::pulls_followed)",
    "have been right": "UPDATE autonomy_judgement SET verdict = 'right'",
    # the stop
    "lift the stop by its row": "UPDATE personas_stop SET stopped = false",
    "take the stop's row away": "DELETE FROM personas_stop",
    # the record
    "write an entry": "INSERT INTO audit_entry VALUES (1, '', '', '', 'x', 'x', 'x', now())",
    "change an entry": "UPDATE audit_entry SET kind = 'x'",
    "delete entries": "DELETE FROM audit_entry",
    "truncate entries": "TRUNCATE audit_entry",
    "move the head": "UPDATE audit_head SET seq = 0",
    "make work ready": "UPDATE audit_work SET state = 'ready', entry_seq = 1",
    "add an effect": "INSERT INTO audit_work (kind, queue, state)"
    " VALUES ('effect', 'executor.plays', 'ready')",
    "forget what waits": "DELETE FROM audit_pending",
    "read values": "SELECT value, salt FROM audit_value FOR UPDATE",
    "switch triggers off": "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "act as a replica": "SET session_replication_role = replica",
    # the server
    "become the owner": "SET ROLE ethops_owner",
    "become the superuser": "SET SESSION AUTHORIZATION postgres",
    "be a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "make a role": "CREATE ROLE mallory LOGIN SUPERUSER",
    "read passwords": "SELECT rolpassword FROM pg_authid",
    "lift its limit": "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read from a program": "COPY pg_temp.x FROM PROGRAM 'id'",
    "write a file": "COPY (SELECT 1) TO '/tmp/ethops-harm'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "read a file as bytes": "SELECT pg_read_binary_file('postgresql.conf')",
    "list a folder": "SELECT pg_ls_dir('/')",
    "read a large object from a file": "SELECT lo_import('/etc/passwd')",
    "write a large object into a file": "SELECT lo_export(1, '/tmp/ethops-harm')",
    "fill the disk by large objects": "SELECT lo_from_bytea(0, 'x')",
    "make a large object": "SELECT lo_create(0)",
    "fill the log of changes": "SELECT pg_logical_emit_message(false, 'x', repeat('x', 100000))",
    "use up all locks": "SELECT pg_advisory_lock(n) FROM generate_series(1, 100) n",
    "use up all locks, politely": "SELECT pg_try_advisory_xact_lock(1)",
    "a program in a block": "DO $$ BEGIN PERFORM 1; END $$",
    "load a library": "LOAD 'plpgsql'",
    "load an extension": "CREATE EXTENSION dblink",
    "another server by dblink": "SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t(a int)",
    "another language": "CREATE LANGUAGE plpython3u",
    "a foreign server": "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
    "a subscription": "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p"
    " WITH (connect = false)",
    "a publication": "CREATE PUBLICATION p FOR ALL TABLES",
    "a slot that keeps all logs": "SELECT pg_create_physical_replication_slot('x', true)",
    "a trigger on events": "CREATE EVENT TRIGGER t ON ddl_command_start"
    " EXECUTE FUNCTION gate.stopped()",
    "a table": "CREATE TABLE public.x (a int)",
    "a table from a query": "SELECT 1 AS a INTO public.x",
    "a temporary table in its place": "CREATE TEMP TABLE personas_stop (stopped boolean)",
    "a temporary view in its place": "CREATE TEMP VIEW personas_stop AS SELECT false AS stopped",
    "a temporary function": "CREATE FUNCTION pg_temp.now() RETURNS timestamptz"
    " LANGUAGE sql AS 'SELECT NULL::timestamptz'",
    "a temporary sequence": "CREATE TEMP SEQUENCE s",
    "a function": "CREATE FUNCTION public.sha256(bytea) RETURNS bytea"
    " LANGUAGE sql AS 'SELECT ''x''::bytea'",
    "an operator": "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
    "a cast": "CREATE CAST (text AS jsonb) WITHOUT FUNCTION",
    "a schema": "CREATE SCHEMA mine",
    "a rule": "CREATE RULE r AS ON UPDATE TO audit_entry DO INSTEAD NOTHING",
    "a policy": "ALTER TABLE personas_run ENABLE ROW LEVEL SECURITY",
    "write through a view": "UPDATE reading.host SET address = 'x'",
    "a setting of the server": "ALTER SYSTEM SET fsync = off",
    "load settings": "SELECT pg_reload_conf()",
    "a setting of the database": "ALTER DATABASE postgres SET search_path = pg_temp",
    "turn its log over": "SELECT pg_rotate_logfile()",
    "a checkpoint": "CHECKPOINT",
    "end others": "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE usename IS DISTINCT FROM CURRENT_USER AND pid <> pg_backend_pid()",
    "lock the runs": "LOCK TABLE personas_run IN ACCESS EXCLUSIVE MODE",
    "lock the stop": "LOCK TABLE personas_stop IN ACCESS EXCLUSIVE MODE",
    "lock the ledger": "LOCK TABLE audit_entry IN SHARE MODE",
    "hold the head": "SELECT * FROM audit_head FOR UPDATE",
    "drop a table": "DROP TABLE personas_stop",
    "write an index anew": "REINDEX TABLE personas_run",
    "steal rows of statistics": "SELECT * FROM pg_statistic",
}

OF_A_ROLE: Final[dict[str, dict[str, str]]] = {
    "agent": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "press the stop": "SELECT gate.press_stop('me', 'x')",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
        "promote itself": "SELECT gate.set_autonomy('triage', 'x', 'x', 'act', 'me', 'x')",
        "bear a run": "SELECT gate.dispatch('triage', 'INC-1', 0, '[]', 'joined', '{}', 'x')",
        "take a ticket over": "SELECT gate.take_over('INC-1', 'me', 'x')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "settle": "SELECT gate.settle(gen_random_uuid(), 1, 'done', '{}')",
        "resolve a doubt": "SELECT gate.resolve_doubt(gen_random_uuid(), 1, 'done', '{}')",
        "settle as a person": "SELECT gate.person_settles(gen_random_uuid(), 'me', 'done', 'x')",
        "order a notice": "SELECT gate.order_notice('r', 'k', '', '{}')",
        "redact": "SELECT gate.redact('x', 'me', 'x')",
        "reconcile": "SELECT * FROM gate.reconcile()",
        "forge a fact": "SELECT audit.put_pending('action.authorised', 'x', '', '{}')",
        "note a fact": "SELECT audit.note('ticket.opened', 'x', '', '{}')",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
        "say that it verifies": "SELECT audit.keep_check(0, 9, NULL, 0, '[]', 1)",
        "prune": "SELECT audit.prune(1)",
        "read actions": "SELECT * FROM personas_action",
        "read tokens": "SELECT token_hash FROM personas_run",
        "read logins": "SELECT * FROM auth_user",
        "read entries": "SELECT * FROM audit_entry",
        "close tickets": "UPDATE tickets_ticket SET state = 'closed'",
        "write a worklog": "INSERT INTO tickets_logline DEFAULT VALUES",
        "prompts of others": "SELECT request FROM gpu_job",
        "use a sequence up": "SELECT nextval('tickets_incident_ref')",
    },
    "executor": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "ask for an action": "SELECT gate.propose(gen_random_uuid(), 'x', 1, 'k', 'v', '', '',"
        " '{}', '', '', '')",
        "take a step": "SELECT * FROM gate.claim_step('x', 30, gen_random_uuid(), 'x')",
        "bear a run": "SELECT gate.dispatch('triage', 'INC-1', 0, '[]', 'joined', '{}', 'x')",
        "promote": "SELECT gate.set_autonomy('triage', 'x', 'x', 'act', 'me', 'x')",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
        "settle as a person": "SELECT gate.person_settles(gen_random_uuid(), 'me', 'done', 'x')",
        "forge a fact": "SELECT audit.put_pending('action.authorised', 'x', '', '{}')",
        "make an effect": "SELECT audit.put_work('effect', 'executor.plays', 'ready', 'x', '{}',"
        " NULL, 0, NULL, 1)",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
        "read logins": "SELECT * FROM auth_user",
    },
    "app": {
        "ask for an action": "SELECT gate.propose(gen_random_uuid(), 'x', 1, 'k', 'v', '', '',"
        " '{}', '', '', '')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "settle": "SELECT gate.settle(gen_random_uuid(), 1, 'done', '{}')",
        "forge a decision": "SELECT audit.note('action.authorised', 'x', '', '{}')",
        "forge a fact": "SELECT audit.put_pending('action.authorised', 'x', '', '{}')",
        "make an effect": "SELECT audit.enqueue('effect', 'executor.plays', 'x', '{}')",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "stamp": "SELECT audit.stamp()",
        "say that it verifies": "SELECT audit.keep_check(0, 9, NULL, 0, '[]', 1)",
        "load a card": "INSERT INTO personas_card (name) VALUES ('x')",
    },
    "audit_signer": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "authorise": "SELECT audit.put_pending('action.authorised', 'x', '', '{}')",
        "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
    },
    "audit_writer": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
        "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
        "sign": "SELECT audit.register_key('x', 1, 'x')",
    },
    "gpu": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "ask for an action": "SELECT gate.propose(gen_random_uuid(), 'x', 1, 'k', 'v', '', '',"
        " '{}', '', '', '')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
        "forge a fact": "SELECT audit.put_pending('action.authorised', 'x', '', '{}')",
    },
    "witness": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
    },
    "verifier": {
        "approve": "SELECT gate.approve(gen_random_uuid(), 'ada', '', '', '', '')",
        "close the breaker": "SELECT gate.close_breaker('me', 'x')",
        "append": "SELECT audit.append(ARRAY[1]::bigint[], ARRAY['x']::bytea[])",
        "acknowledge damage": "SELECT audit.acknowledge('me', 'x')",
        "claim an effect": "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)",
        "lift the stop": "SELECT gate.lift_stop('me', 'x')",
    },
}

ALONE: Final = frozenset({"a setting of the server"})
"""What PostgreSQL lets nobody say within a transaction."""
NOT_INSTALLED: Final = frozenset(
    {"load an extension", "another server by dblink", "another language", "a foreign server"}
)
"""What a server without these packages refuses because there is no such thing."""

BY_OFFICE: Final[frozenset[tuple[str, str]]] = frozenset()
"""(role, name) of what stands under EVERYBODY and is a role's office."""
