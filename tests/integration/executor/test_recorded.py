"""What the ledger does not say is not done, though every row of the gate says so."""

import pytest
from django.db import connections

from personas import gate

TARGET = "http://127.0.0.1:9/nobody"


def outcome(bench, queue, action_id):
    bench.worker().drain(queue)
    row = bench.action(action_id)
    return row["outcome"], row["result"].get("code")


def forge(bench, forgery, action_id):
    bench.ask("owner", f"UPDATE personas_action SET {forgery} WHERE id = %s RETURNING 1", action_id)


@pytest.mark.parametrize(
    "forgery",
    [
        """args = args || '{"service": "another"}'""",
        "args = '{}'",
        "args_digest = ''",
    ],
)
def test_a_play_is_told_what_was_recorded_or_nothing(bench, kept_service, forgery):
    action_id = bench.authorised(
        bench.incident("web-01"), "playbook.run", "restart_service", "web-01"
    )
    before = bench.pid()
    forge(bench, forgery, action_id)
    assert outcome(bench, "executor.plays", action_id) == ("failed", "executor.unrecorded")
    assert bench.pid() == before


@pytest.mark.parametrize(
    "forgery", ["""args = args || '{"text": "Pay here."}'""", "target = 'http://127.0.0.1:9/else'"]
)
def test_a_rules_notice_says_what_was_recorded_or_nothing(bench, forgery):
    with bench.as_role("app"):
        args = {"kind": "http", "target": TARGET, "title": "t", "text": "x"}
        action_id = gate.order_notice(rule="test", key="k", ticket_ref="", args=args)
    bench.record()
    forge(bench, forgery, action_id)
    assert outcome(bench, "executor.light", action_id) == ("failed", "executor.unrecorded")


def test_the_entry_of_another_action_is_not_enough(bench):
    first = bench.authorised(bench.incident("web-01"), "ticket.comment", text="Hello.")
    bench.worker().drain("executor.light")
    second = bench.authorised(bench.incident("lost-01"), "ticket.comment", text="Hello.")
    bench.ask("owner", "UPDATE audit_work SET entry_seq ="
              " (SELECT entry_seq FROM audit_work WHERE id = %s) WHERE id = %s RETURNING 1",
              first, second)  # fmt: skip
    assert outcome(bench, "executor.light", second) == ("failed", "executor.unrecorded")


def test_nobody_reads_what_is_recorded_of_an_effect_that_nobody_holds(bench):
    action_id = bench.authorised(bench.incident("web-01"), "ticket.comment", text="Hello.")
    assert gate.recorded(action_id=action_id) is None
    connections["default"].close()
