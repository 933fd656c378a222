"""A permit that waited too long is told of in its ticket, with what it waited for."""

from ethops.desk import work
from personas import gate
from tests.doubles.agent import propose


def test_the_ticket_is_told_once_what_was_not_done_and_why(bench):
    ref = bench.incident("web-01")
    step = bench.step(ref)
    asked = propose(bench.links["agent"], step, "k", "ticket.comment", "", ref, {"text": "x"})
    bench.point("app")
    for _ in range(2):
        bench.ask(
            "owner",
            "UPDATE audit_work SET expires_at = clock_timestamp() - interval '1 s'"
            " WHERE id = %s RETURNING 1",
            asked["action_id"],
        )
        gate.reconcile()
        work.drain()
    told = [line for line in bench.lines(ref) if line.startswith("Not done")]
    why = "The permit expired: it waited to be written into the ledger."
    assert told == [f"Not done: ticket.comment on {ref}. {why}"]
