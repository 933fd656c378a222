"""Ticket writes: done once, by one key, with the dispatcher told."""

import pytest
from django.db import connection

from adapters.registry import reader
from ethops.executor import registry, worker
from ethops.executor.effects import Finding


@pytest.fixture
def ref(bench):
    return bench.incident("web-01")


def test_a_comment_is_written_as_an_agents_words_from_outside(bench, ref):
    bench.authorised(ref, "ticket.comment", text="I have looked.")
    bench.worker().drain("executor.light")
    line = reader("tickets").worklog(ref)[-1]
    assert (line.text, line.author, line.author_kind, line.tainted) == (
        "I have looked.",
        "incident_responder",
        "agent",
        True,
    )


@pytest.mark.parametrize(
    ("verb", "args", "state"),
    [
        ("ticket.resolve", {"solution": "Restarted."}, "resolved"),
        (
            "ticket.escalate",
            {"team": "people", "tried": "A restart.", "asked": "Have a look."},
            "escalated",
        ),
    ],
)
def test_a_move_is_done_and_told_to_the_dispatcher(bench, ref, verb, args, state):
    bench.authorised(ref, verb, **args)
    bench.worker().drain("executor.light")
    assert (bench.ticket(ref).state, bench.dispatches(ref)) == (state, 1)


def test_the_outcome_is_settled_with_a_sentence(bench, ref):
    action = bench.authorised(ref, "ticket.resolve", solution="Restarted.")
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (row["state"], row["outcome"], row["result"]["said"]) == (
        "done",
        "done",
        f"{ref} moved, now resolved",
    )


def test_a_write_that_the_ticket_refuses_is_failed_with_the_reason(bench, ref):
    first = bench.authorised(ref, "ticket.resolve", solution="Restarted.")
    bench.worker().drain("executor.light")
    bench.ask("app", "SELECT gate.take_over(%s, 'ada', 'test')", ref)
    second = bench.authorised(ref, "ticket.resolve", solution="Again.")
    bench.worker().drain("executor.light")
    row = bench.action(second)
    assert (bench.action(first)["outcome"], row["outcome"], row["result"]["code"]) == (
        "done",
        "failed",
        "executor.ticket_refused",
    )


def test_a_write_whose_outcome_was_lost_is_found_and_not_repeated(bench, ref, monkeypatch):
    """A crash between act and settle: the lease runs out, the probe finds the deed."""
    action = bench.authorised(ref, "ticket.resolve", solution="Restarted.")
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_settlement", lambda *_: None)
        bench.worker().drain("executor.light")
    bench.lose_lease(action)
    in_doubt = bench.action(action)["state"]
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (in_doubt, row["outcome"], row["attempts"]) == ("in_doubt", "done", 1)
    assert bench.lines(ref).count("Restarted.") == 1


def test_a_write_that_never_happened_is_done_after_the_probe(bench, ref, monkeypatch):
    """A crash between claim and act: the probe finds nothing, so it may be done now."""
    action = bench.authorised(ref, "ticket.resolve", solution="Restarted.")
    with monkeypatch.context() as crash:
        crash.setattr(worker, "_act", lambda _: None)
        bench.worker().drain("executor.light")
    bench.lose_lease(action)
    bench.worker().drain("executor.light")
    row = bench.action(action)
    assert (row["outcome"], row["attempts"], bench.ticket(ref).state) == ("done", 2, "resolved")


class Breaks:
    """An effect that fails in a way nobody expected."""

    def act(self, _claim):
        raise RuntimeError("out of the blue")

    def probe(self, _claim):
        return Finding("unknown", {"said": "nobody knows"})


def test_an_effect_that_breaks_is_never_called_failed(bench, ref, monkeypatch):
    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", Breaks())
    bench.worker().drain("executor.light")
    leased = bench.action(action)
    bench.lose_lease(action)
    bench.worker().drain("executor.light")
    asked = bench.ask(
        "app", "SELECT count(*) AS n FROM audit_work WHERE dedup = %s", f"doubt:{action}"
    )
    assert (leased["state"], bench.action(action)["state"], asked["n"]) == ("leased", "in_doubt", 1)


class CutsItsConnection:
    """An effect after which the database is gone for a moment."""

    def act(self, _claim):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        self.cut(pid)
        return {"said": "done"}

    def __init__(self, cut):
        self.cut = cut


def test_an_outcome_is_settled_although_its_connection_was_cut(bench, ref, monkeypatch, servers):
    import psycopg

    def cut(pid):
        with psycopg.connect(servers.superuser_dsn(), autocommit=True) as link:
            link.execute("SELECT pg_terminate_backend(%s)", [pid])

    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", CutsItsConnection(cut))
    bench.worker().drain("executor.light")
    assert bench.action(action)["outcome"] == "done"


def test_the_stop_file_keeps_everything_undone(bench, ref):
    action = bench.authorised(ref, "ticket.resolve", solution="x")
    stop = bench.folder / "state" / "STOP"
    stop.touch()
    undone = bench.worker().drain("executor.light")
    stop.unlink()
    done = bench.worker().drain("executor.light")
    assert (undone, done, bench.action(action)["outcome"]) == (0, 1, "done")


def test_a_verb_that_nothing_does_is_failed(bench, ref, monkeypatch):
    action = bench.authorised(ref, "ticket.comment", text="x")
    monkeypatch.delitem(registry.EFFECTS, "ticket.comment")
    bench.worker().drain("executor.light")
    assert bench.action(action)["result"]["code"] == "executor.unknown_verb"


def test_what_still_goes_on_in_this_process_is_not_probed(bench, ref, monkeypatch):
    """A database that was away lets leases run out under those who still act."""
    action = bench.authorised(ref, "ticket.comment", text="x")
    found = bench.worker()
    probed = []

    class OutlivesItsLease:
        def act(self, _claim):
            bench.lose_lease(action)
            found.look_into_one("executor.light")
            return {"said": "done"}

        def probe(self, claim):
            probed.append(claim.action_id)
            return Finding("done", {"said": "found"})

    monkeypatch.setitem(registry.EFFECTS, "ticket.comment", OutlivesItsLease())
    found.drain("executor.light")
    assert (probed, bench.action(action)["state"]) == ([], "done")


def test_who_moves_a_ticket_derives_its_clocks(bench, ref):
    bench.authorised(ref, "ticket.resolve", solution="Restarted.")
    bench.worker().drain("executor.light")
    clocks = bench.ask(
        "app", "SELECT array_agg(phase) AS p FROM sla_stopwatch WHERE ticket_ref = %s", ref
    )
    assert clocks["p"] == ["stopped", "stopped"]
