"""What a person approves is done, and only as he approved it."""

from uuid import UUID

import pytest

from ethops.executor import approvals
from ethops.executor.errors import UnapprovedError
from personas import gate
from tests.doubles import approver
from tests.doubles.agent import propose


@pytest.fixture
def proposed(bench, kept_service):
    """A restart that waits for a person."""
    bench.ask("owner", "UPDATE personas_autonomy SET level = 'propose' RETURNING 1")
    step = bench.step(bench.incident("web-01"))
    found = propose(bench.links["agent"], step, "k", "playbook.run", "restart_service", "web-01")
    assert found["verdict"] == "proposed", found
    return UUID(str(found["action_id"]))


def approve(bench, action):
    said = approver.approve(bench.links["owner"], bench.links["app"], action)
    assert said[0] == "ok", said
    bench.record()


def test_a_play_that_was_approved_runs(bench, proposed):
    before = bench.pid()
    bench.worker().drain("executor.plays")
    assert bench.pid() == before
    approve(bench, proposed)
    bench.worker().drain("executor.plays")
    assert (bench.action(proposed)["outcome"], bench.pid() != before) == ("done", True)


def test_its_change_is_not_done_where_the_ci_changed_before_the_claim(bench, proposed):
    before = bench.pid()
    approve(bench, proposed)
    bench.ask("owner", "UPDATE cmdb_ci SET name = 'another' RETURNING 1")
    bench.worker().drain("executor.plays")
    assert bench.pid() == before


def test_who_acts_looks_once_more(bench, proposed):
    approve(bench, proposed)
    claim = gate.claim_effect(queue="executor.plays", holder="test", lease_seconds=30)
    assert claim is not None
    approvals.check(claim)
    bench.ask("owner", "UPDATE cmdb_ci SET name = 'another' RETURNING 1")
    with pytest.raises(UnapprovedError):
        approvals.check(claim)
