"""Outcomes as the rows tell them, through the command."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command

from tests.conftest import point_django


def figures(*words):
    out = StringIO()
    call_command("personas", "calibration", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def ended(clean_db, servers, database_name, role):
    """`ended(...)` writes a run that asked for one play, with what came of it."""
    point_django(servers, database_name, "ethops_owner")
    call_command("site", "load", verbosity=0)
    point_django(servers, database_name, "ethops_app")
    owner = role("owner")

    def action(run, verb, outcome, risk, step):
        work = owner.execute(
            "INSERT INTO audit_work (kind, queue, state, subject, payload, dedup)"
            " VALUES ('effect', 'executor.light', 'done', 's', '{}', %s) RETURNING id",
            [uuid4().hex],
        ).fetchone()[0]
        owner.execute(
            "INSERT INTO personas_action (id, run_id, step_number, key, principal, verb, entry,"
            " verdict, outcome, risk, work_id, args, result)"
            " VALUES (%s, %s, %s, %s, 'run', %s, 'restart_service', 'authorised', %s, %s, %s,"
            " '{}', '{}')",
            [work, run, step, verb, verb, outcome, risk, work],
        )

    def write(outcome="done", *, risk="low", resolved=True, over=True, engine="rules", sure=0.9):
        intent = owner.execute(
            "INSERT INTO personas_agentintent (card_id, ticket_ref, priority, scope, joined,"
            " inputs, dedup) VALUES ('incident_responder', 'I-1', 2, '[]', 'joined', '{}', %s)"
            " RETURNING id",
            [uuid4().hex],
        ).fetchone()[0]
        run = owner.execute(
            "INSERT INTO personas_run (intent_id, card_id, ticket_ref, state, max_steps,"
            " max_actions, deadline, ended_at) VALUES (%s, 'incident_responder', %s, 'failed', 9,"
            " 9, clock_timestamp(), CASE WHEN %s THEN clock_timestamp() END) RETURNING id",
            [intent, uuid4().hex[:20], over],
        ).fetchone()[0]
        owner.execute(
            "INSERT INTO personas_step (run_id, number, question, answer, checkpoint, next,"
            " started_at) VALUES (%s, 1, '{}', %s, '{}', 'continue', clock_timestamp())",
            [run, json.dumps({"engine": engine, "confidence": sure})],
        )
        action(run, "playbook.run", outcome, risk, 1)
        if resolved:
            action(run, "ticket.resolve", "done", "", 2)

    return write


def test_without_any_play_there_are_no_figures(ended):
    assert figures() == []


def test_a_mended_and_a_failed_play_are_one_each(ended):
    ended()
    ended("failed", resolved=False)
    (found,) = figures()
    assert (found["card"], found["engine"], found["outcomes"]) == ("incident_responder", "rules", 2)
    assert found["brier"] == pytest.approx((0.01 + 0.81) / 2)
    assert found["calibrated"] is False


@pytest.mark.parametrize("left_out", [{"risk": "none"}, {"over": False}, {"outcome": "expired"}])
def test_what_promised_nothing_or_is_not_over_is_left_out(ended, left_out):
    ended(**left_out)
    assert figures() == []


def test_rules_that_stood_in_for_a_model_count_as_rules(ended):
    ended(engine="rules (ops gave no answer)")
    ended(engine="ops (qwen3:8b)")
    assert [found["engine"] for found in figures()] == ["ops (qwen3:8b)", "rules"]
