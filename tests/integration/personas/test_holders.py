"""A process of ours that keeps its transaction open, whatever it has set for itself."""

import psycopg
import pytest
from psycopg.rows import dict_row

from ethops.desk import holders
from tests.doubles.agent import propose
from tests.waiting import eventually

DEFIANT = (
    "SET idle_in_transaction_session_timeout = 0",
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
)


@pytest.fixture
def holder(world, servers, database_name):
    """A hostile worker that has asked for a restart, and keeps what that locks."""
    world.run("web-01")
    step = world.step()
    link = psycopg.connect(servers.dsn("ethops_agent", database_name), row_factory=dict_row)
    for statement in DEFIANT:
        link.execute(statement)
    said = propose(link, step, "k", "playbook.run", "restart", "web-01", {})
    assert said["verdict"] == "authorised"
    yield link
    link.close()


def other(world):
    world.run("old-01")
    return world.step()


def test_who_waits_for_its_locks_is_told_so_in_time(world, holder):
    with pytest.raises(psycopg.errors.LockNotAvailable):
        world.propose(other(world), "playbook.run", "restart", "old-01")


def test_it_is_ended_and_what_it_kept_is_free(world, holder, clean_db):
    step = other(world)
    eventually(lambda: holders.end_holders() == 1, seconds=30, told="it still holds")
    assert world.propose(step, "playbook.run", "restart", "old-01")["guard"] != "expiry"
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")


def test_what_it_did_there_is_undone_and_that_it_was_ended_is_on_record(world, holder, clean_db):
    eventually(lambda: holders.end_holders() == 1, seconds=30, told="it still holds")
    world.record()
    kinds = world.as_role("owner").execute("SELECT kind FROM audit_entry ORDER BY seq").fetchall()
    assert "site.holders_ended" in {row["kind"] for row in kinds}
    assert "action.authorised" not in {row["kind"] for row in kinds}


def test_who_keeps_to_his_bounds_is_left_alone(world, clean_db):
    world.run("web-01")
    with world.as_role("agent").transaction():
        world.as_role("agent").execute("SELECT 1")
        assert holders.end_holders() == 0


@pytest.mark.parametrize("name", ["agent", "executor", "gpu", "witness", "audit_writer"])
def test_nobody_but_the_reconciler_may_end_sessions(world, name):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.as_role(name).execute("SELECT * FROM public.end_holders()")
