"""Direct SQL of every run-time role: nothing harmful does any work, and the catalogue of the
database says why.
"""

import sys
import threading
import time

import psycopg
import pytest

from tests.hostile import statements
from tests.hostile.house import house
from tests.hostile.oracle import Asked
from tests.hostile.statements import ALONE, BY_OFFICE, EVERYBODY, NOT_INSTALLED, OF_A_ROLE

OURS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
VENDORED = " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"


@pytest.fixture(scope="module")
def made(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_statements", 3) as found:
        # Something to harm: without a row some would be refused for want of a victim.
        found.run("incident_responder", "other-01")
        yield found


def said(role):
    return {
        **{name: each for name, each in EVERYBODY.items() if (role, name) not in BY_OFFICE},
        **OF_A_ROLE[role],
    }


def works(made, role, name, statement):
    """Tell whether a statement is not refused for want of a right; what it does is undone."""
    refusals = psycopg.errors.InsufficientPrivilege, *(NOT_THERE if name in NOT_INSTALLED else ())
    dsn = made.servers.dsn(f"ethops_{role}", made.database)
    with psycopg.connect(dsn, autocommit=name in ALONE) as link:
        try:
            link.execute("SET lock_timeout = '2s'")
            link.execute(statement)
        except refusals:
            return False
        except psycopg.Error as fault:
            sys.stderr.write(f"{role}: {statement}: refused by chance, {fault}")
        finally:
            link.rollback()
    return True


NOT_THERE = (
    psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedObject,
    psycopg.errors.FeatureNotSupported,
)  # fmt: skip


@pytest.mark.parametrize("role", OF_A_ROLE)
def test_no_harmful_statement_works(made, role):
    assert [name for name, each in said(role).items() if works(made, role, name, each)] == []


def test_enough_is_tried():
    assert len(said("agent")) >= 100


def test_every_role_has_its_own_statements(made):
    run_time = {
        row["rolname"].removeprefix("ethops_")
        for row in made.all("owner", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ethops\\_%'")
    }
    assert run_time - {"owner"} == set(statements.OF_A_ROLE)


def test_every_definer_function_of_ours_looks_into_temporary_schemas_last(made):
    loose = made.all(
        "owner",
        "SELECT n.nspname, p.proname, p.proconfig FROM pg_proc p"
        f" JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} AND p.prosecdef{VENDORED}"
        " AND NOT EXISTS (SELECT 1 FROM unnest(coalesce(p.proconfig, '{}')) c"
        " WHERE c LIKE 'search_path=%, pg_temp')",
    )
    assert loose == []


def test_no_function_of_ours_is_everybodys(made):
    loose = made.all(
        "owner",
        "SELECT n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        f" WHERE {OURS}{VENDORED} AND a.grantee = 0",
    )
    assert loose == []


@pytest.mark.parametrize("role", OF_A_ROLE)
def test_nobody_has_temporary_objects_or_makes_anything(made, role):
    found = made.one(
        "owner",
        "SELECT has_database_privilege(%s, current_database(), 'TEMP') AS temp,"
        " has_database_privilege(%s, current_database(), 'CREATE') AS make,"
        " (SELECT count(*) FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE')) AS n",
        *[f"ethops_{role}"] * 3,
    )
    assert found == {"temp": False, "make": False, "n": 0}


SLOTS = {"gpu_card", "gpu_slot"}
"""Which models there are: an agent reads that to know whom to ask."""


def test_the_agent_has_no_right_on_any_table_or_sequence(made):
    found = made.all(
        "owner",
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE {OURS} AND c.relkind IN ('r', 'p', 'S', 'm', 'f') AND n.nspname <> 'reading' AND"
        " CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('ethops_agent', c.oid,"
        " 'USAGE, SELECT, UPDATE') ELSE has_table_privilege('ethops_agent', c.oid,"
        " 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END",
    )
    assert {row["relname"] for row in found} == SLOTS


def test_the_agent_only_reads_what_it_may_see(made):
    found = made.all(
        "owner",
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE {OURS} AND c.relkind <> 'S' AND has_table_privilege('ethops_agent', c.oid,"
        " 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
    )
    assert found == []


def test_a_role_has_no_part_in_another(made):
    found = made.all(
        "owner",
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
        " WHERE r.rolname LIKE 'ethops\\_%'",
    )
    assert found == []


# ---------------------------------------------------------------- what may be said and does no work


def test_forged_wake_ups_make_nothing_happen(made):
    """NOTIFY is everybody's; it carries nothing that anybody believes."""
    for _ in range(200):
        made.do("agent", "NOTIFY ethops_ready, 'executor.plays'")
        made.do("agent", "NOTIFY ethops_pending, 'anything'")
    assert (
        made.one("executor", "SELECT * FROM gate.claim_effect('executor.plays', 'x', 30)") is None
    )


def test_whoever_holds_his_transaction_open_holds_up_neither_stop_nor_effects(made):
    """A hostile worker keeps the locks of its own run; nobody else's work waits for them."""
    other = made.run("incident_responder", "other-01")
    run = made.run("incident_responder", "service-01")
    play = Asked("playbook.run", "restart_service", "service-01", "{}")
    with psycopg.connect(made.servers.dsn("ethops_agent", made.database)) as held:
        held.execute("SET idle_in_transaction_session_timeout = 0")
        mine, made.links["agent"] = made.link("agent"), held
        held.row_factory = mine.row_factory
        made.ask(run, play)
        made.links["agent"] = mine
        began = time.monotonic()
        said_it = Asked("ticket.comment", "", other.life.ticket, '{"text":"x"}')
        assert made.ask(other, said_it)["verdict"] == "authorised"
        made.record()
        effect = made.one("executor", "SELECT * FROM gate.claim_effect('executor.light', 'x', 30)")
        assert effect["ticket_ref"] == other.life.ticket
        made.do("app", "SELECT gate.press_stop('ada', 'x')")
        assert made.value("agent", "SELECT gate.stopped()")
        assert time.monotonic() - began < 5
        made.do("app", "SELECT gate.lift_stop('ada', 'x')")


def test_no_role_may_have_all_sessions(made):
    found = made.all(
        "owner",
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ethops\\_%' AND NOT (rolconnlimit > 0"
        " AND rolconnlimit < current_setting('max_connections')::int)",
    )
    assert found == []


def test_a_flood_of_statements_holds_up_no_stop(made):
    ended = threading.Event()

    def flood():
        with psycopg.connect(
            made.servers.dsn("ethops_agent", made.database), autocommit=True
        ) as link:
            while not ended.is_set():
                link.execute("SELECT count(*) FROM generate_series(1, 10000)")

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        began = time.monotonic()
        made.do("app", "SELECT gate.press_stop('ada', 'x')")
        took = time.monotonic() - began
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        made.do("app", "SELECT gate.lift_stop('ada', 'x')")
    assert took < 2
