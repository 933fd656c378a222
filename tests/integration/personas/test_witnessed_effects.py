"""A risky effect and a dead witness, with every process as it runs in a stack."""

import pytest

from tests.integration.audit.conftest import Ledger, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture
def ledger(world, role, start_process, tmp_path):
    for name in ("recorder", "checkpointer", "witnessing"):
        start_process(name)
    made = Ledger(role, start_process, tmp_path)
    made.grow()
    world.as_role("owner").execute(
        "UPDATE personas_catalogueentry SET risk = 'high' WHERE name = 'restart'"
    )
    world.as_role("owner").execute("UPDATE audit_witnessing SET quorum = 1, administrator = 'us'")
    yield made
    for witness in made.witnesses.values():
        witness.close()


def recorded(world):
    action = world.authorised()["action_id"]
    wait_for(lambda: world.work(action)["state"] == "ready")
    return action


def test_it_is_done_once_a_witness_has_signed(world, ledger):
    ledger.witness("host/w1", "ada")
    action = recorded(world)
    assert wait_for(world.claim)["action_id"] == action


def test_it_waits_while_the_witness_is_dead_and_goes_on_by_itself(world, ledger):
    witness = ledger.witness("host/w1", "ada")
    ledger.wait_until("host/w1", "well", 1)
    witness.kill()
    action = recorded(world)
    ledger.wait_until("host/w1", "away")
    assert world.claim() is None
    assert world.one("app", "SELECT why FROM gate.held_effects()") == {"why": "waits for a witness"}
    witness.start()
    assert wait_for(world.claim)["action_id"] == action


def test_harmless_ones_go_on_while_the_witness_is_dead(world, ledger):
    ledger.witness("host/w1", "ada", start=False)
    world.run("web-01")
    step = world.step()
    asked = world.propose(step, "ticket.comment", "", step["ticket_ref"], text="hello")
    assert wait_for(lambda: world.claim("executor.light"))["action_id"] == asked["action_id"]
