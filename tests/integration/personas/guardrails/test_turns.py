"""Who may change something waits for the turn of the same; who may only observe does not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.doubles.agent import propose
from tests.integration.personas.conftest import World
from tests.integration.personas.guardrails.conftest import Commands
from tests.waiting import eventually

PATIENCE = "SET lock_timeout = '300ms'"


@pytest.fixture
def steps(world: World):
    """The steps of two runs on CIs of two classes, for the same entry."""
    world.value("app", "SELECT gate.mind_breaker()")
    taken = []
    for ci in ("web-01", "old-01"):
        world.run(ci)
        taken.append((world.step(), ci))
    return taken


@pytest.fixture
def held(world: World, steps):
    """The first of them asks in a transaction that is not over yet."""
    world.promote("service")
    link = world.connect("agent")
    with link.transaction():
        found = propose(link, steps[0][0], "first", "playbook.run", "restart", steps[0][1])
        assert found["verdict"] == "authorised"
        yield
    link.close()


def ask(world: World, steps):
    world.as_role("agent").execute(PATIENCE)
    return world.propose(steps[1][0], "playbook.run", "restart", steps[1][1])


def test_who_may_act_waits_until_the_other_is_counted(world, steps, held):
    world.promote("cache")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        ask(world, steps)


def test_who_may_only_observe_waits_for_nobody(world, steps, held):
    assert ask(world, steps)["verdict"] == "observed"


@pytest.mark.parametrize(
    "guard", ["uses", "command_uses", "ticket_ceiling", "fleet_ceiling", "hour_share", "duplicate"]
)
def test_where_nobody_has_counted_a_guard_refuses(world, guard):
    said = world.value(
        "owner",
        f"SELECT gate.guard_{guard}(jsonb_populate_record(NULL::gate.ask,"
        """ '{"verb": "playbook.run"}'))""",
    )
    assert said.startswith("nobody has ")


@pytest.fixture
def scope_taken(commands: Commands) -> Iterator[ExitStack]:
    """Somebody has the scope `change` until this is closed; agents wait for a moment alone."""
    commands.world.value("app", "SELECT gate.mind_breaker()")
    commands.world.as_role("agent").execute(PATIENCE)
    with ExitStack() as taken:
        link = commands.world.connect("owner")
        taken.callback(link.close)
        taken.enter_context(link.transaction())
        link.execute("SELECT 1 FROM guardrails_commandscope WHERE name = 'change' FOR UPDATE")
        yield taken


def test_a_command_waits_for_its_scope_before_it_has_the_fleet(commands, scope_taken):
    world, agent = commands.world, commands.world.as_role("agent")
    agent.execute("SET lock_timeout = '10s'")
    waits = "SELECT pg_blocking_pids(%s) <> '{}' AS so"
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(commands.ask, "tool", "set", "x", "blue", scope="change")
        eventually(lambda: world.value("owner", waits, agent.info.backend_pid))
        # Who waits has not locked the fleet yet, or all the others would wait with it.
        world.one("owner", "SELECT id FROM autonomy_breaker FOR UPDATE NOWAIT")
        assert not asked.done()
        scope_taken.close()
        assert asked.result()["verdict"] == "authorised"


def test_a_command_that_may_only_be_observed_waits_for_no_scope(commands, scope_taken):
    commands.world.value(
        "app",
        "SELECT gate.set_autonomy('responder', 'change', 'box', 'observe', 'ada', 'test', true)",
    )
    assert commands.ask("tool", "set", "x", "blue", scope="change")["verdict"] == "observed"


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_nothing_is_judged_by_what_was_so(world, steps, isolation):
    agent = world.as_role("agent")
    agent.execute(f"SET default_transaction_isolation = '{isolation}'")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        world.propose(steps[0][0], "playbook.run", "restart", "web-01")
