"""The executor acts on what the run signed and on nothing else."""

import json

import pytest

from personas.incarnation import Incarnation


def outcome(bench, action_id):
    bench.worker().act_one("executor.light")
    row = bench.action(action_id)
    return row["outcome"], row["result"].get("code")


def test_what_was_signed_is_done(bench):
    ref = bench.incident("web-01")
    action_id = bench.authorised(ref, "ticket.comment", text="Hello.")
    assert (outcome(bench, action_id), bench.lines(ref)[-1]) == (("done", None), "Hello.")


@pytest.mark.parametrize(
    "forgery",
    [
        'args = \'{"text": "Something else."}\'',
        "target = 'INC-999999'",
        "verb = 'ticket.resolve', args = '{\"solution\": \"Hello.\"}'",
        "statement = ''",
        "signature = repeat('00', 64)",
        "incarnation_id = NULL",
        "salt = NULL",
    ],
)
def test_what_the_rows_say_otherwise_is_not_done(bench, forgery):
    ref = bench.incident("web-01")
    action_id = bench.authorised(ref, "ticket.comment", text="Hello.")
    bench.ask("owner", f"UPDATE personas_action SET {forgery} WHERE id = %s RETURNING 1", action_id)
    assert outcome(bench, action_id) == ("failed", "executor.unsigned")


def test_another_key_in_the_rows_does_not_help_a_forger(bench):
    ref = bench.incident("web-01")
    action_id = bench.authorised(ref, "ticket.comment", text="Hello.")
    forger = Incarnation.mint()
    bench.ask("owner", "UPDATE personas_incarnation SET public_key = %s RETURNING 1",
              forger.public_key)  # fmt: skip
    assert outcome(bench, action_id) == ("failed", "executor.unsigned")


def test_what_was_refused_for_its_signature_is_on_record(bench):
    ref = bench.incident("web-01")
    action_id = bench.authorised(ref, "ticket.comment", text="Hello.")
    bench.ask("owner", "UPDATE personas_action SET signature = '' RETURNING 1")
    outcome(bench, action_id)
    bench.record()
    row = bench.ask("app", "SELECT body FROM audit_entry WHERE kind = 'action.outcome'")
    assert json.loads(row["body"])["body"]["outcome"] == "failed"
