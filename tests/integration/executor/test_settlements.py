"""Outcomes reach the database whatever they say, and none holds up another."""

import math
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import OperationalError, connections

from ethops.executor import registry
from ethops.executor.effects import Finding
from ethops.executor.unsettled import Settlement
from personas import gate

REFUSED = [{"said": "x", "n": math.nan}, {"said": "x\x00"}, {"said": "\ud800"}, {"said": {1, 2}}]


@contextmanager
def no_database():
    """Django's own connection finds nobody."""
    settings = connections["default"].settings_dict
    port = settings["PORT"]
    connections.close_all()
    settings["PORT"] = "1"
    try:
        yield
    finally:
        connections.close_all()
        settings["PORT"] = port


class Says:
    """An effect that says this, or finds this."""

    def __init__(self, words):
        self.words = words

    def act(self, _claim):
        return self.words

    def probe(self, _claim):
        return Finding("done", self.words)


def claim(action):
    """Take the one effect there is, as an executor that says no more."""
    taken = gate.claim_effect(queue="executor.light", holder="test:1", lease_seconds=30)
    assert (taken.action_id, taken.fence) == (action, 1)


@pytest.fixture
def ref(bench):
    return bench.incident("web-01")


@pytest.mark.parametrize("words", REFUSED, ids=["nan", "nul", "surrogate", "no json"])
def test_words_that_the_database_refuses_do_not_hide_the_outcome(bench, ref, monkeypatch, words):
    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", Says(words))
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("done", "executor.not_stored")


def test_a_probes_words_that_the_database_refuses_do_not_hide_the_finding(bench, ref, monkeypatch):
    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", Says({"said": math.inf}))
    claim(action)
    bench.lose_lease(action)
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("done", "executor.not_stored")


def test_an_outcome_that_cannot_be_written_waits_in_memory(bench, ref):
    action = bench.authorised(ref, "ticket.comment", text="x")
    claim(action)
    found = bench.worker()
    with no_database():
        kept = found.settlements.settle(
            Settlement(action, 1, "done", {"said": "x"}), patience_s=0.1
        )
        found.settlements.flush()
    waiting = found.settlements.waiting()
    found.drain("executor.light")
    assert (kept, waiting, bench.action(action)["outcome"]) == ("kept", [action], "done")


def test_one_that_cannot_be_written_holds_up_no_other(bench, ref, monkeypatch):
    action = bench.authorised(ref, "ticket.comment", text="x")
    claim(action)
    found, stuck = bench.worker(), uuid4()
    with no_database():
        for one in (stuck, action):
            found.settlements.settle(Settlement(one, 1, "done", {"said": "x"}), patience_s=0)
    settle = gate.settle

    def away_for_one(**words):
        if words["action_id"] == stuck:
            raise OperationalError("too long for jsonb")
        return settle(**words)

    monkeypatch.setattr(gate, "settle", away_for_one)
    found.drain("executor.light")
    assert (found.settlements.waiting(), bench.action(action)["outcome"]) == ([stuck], "done")


def test_who_may_not_settle_loses_the_words_and_goes_on(bench, ref):
    """Refused for ever: nothing is kept, and the probe has to find the outcome."""
    action = bench.authorised(ref, "ticket.comment", text="x")
    found = bench.worker()
    with bench.as_role("agent"):
        said = found.settlements.settle(Settlement(action, 1, "done", {}), patience_s=5)
    assert (said, found.settlements.waiting()) == ("lost", [])


def test_an_effect_whose_outcome_waits_in_memory_is_not_probed(bench, ref, monkeypatch):
    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", Says({"said": "true"}))
    claim(action)
    found = bench.worker()
    with no_database():
        found.settlements.settle(Settlement(action, 1, "done", {"said": "true"}), patience_s=0)
    bench.lose_lease(action)
    probed = found.look_into_one("executor.light")
    found.drain("executor.light")
    assert (probed, bench.action(action)["result"]) == (False, {"said": "true"})
