import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inference.port import Answer
from personas.runtime.plan import Situation, close, plan

SITUATION = Situation(
    ticket_ref="INC-00001",
    ci_ref="web-01",
    impact=2,
    escalates_to="people",
    facts={"action.entry": "restart_service", "action.target": "web-01", "tried": ["x"]},
)


def answer(choice, say="because"):
    return Answer(choice, say, ("a", "b"), 0.9, "rules", "r1", 10)


@pytest.mark.parametrize(
    ("kind", "choice", "verbs", "stage"),
    [
        ("triage", "assign_responders_high", ["ticket.assign"], "close"),
        ("triage", "escalate", ["ticket.escalate"], "close"),
        ("diagnose", "restart_service", ["ticket.comment", "playbook.run"], "verify"),
        ("diagnose", "escalate", ["ticket.escalate"], "close"),
        ("verify", "resolve", ["ticket.resolve"], "close"),
        ("verify", "wait", [], "verify"),
        ("verify", "next", [], "diagnose"),
        ("verify", "comment_observed", ["ticket.comment", "ticket.escalate"], "close"),
        ("verify", "escalate", ["ticket.escalate"], "close"),
    ],
)
def test_an_answer_becomes_a_plan(kind, choice, verbs, stage):
    found = plan(kind, answer(choice), SITUATION)
    assert ([p.verb for p in found.proposals], found.stage) == (verbs, stage)


def test_a_playbook_is_asked_for_by_name_and_ci_alone():
    _, play = plan("diagnose", answer("restart_service"), SITUATION).proposals
    assert (play.entry, play.target, dict(play.args)) == ("restart_service", "web-01", {})


@given(st.text(max_size=20_000))
def test_no_text_of_an_engine_is_longer_than_the_gate_takes(say):
    for kind, choice in [("triage", "assign_responders_low"), ("verify", "escalate")]:
        for proposal in plan(kind, answer(choice, say), SITUATION).proposals:
            assert all(len(value) <= 4000 for value in proposal.args.values())


def acted(verdict="authorised", outcome="done", step=3, run="r1"):
    return {
        "run": run,
        "step": step,
        "verb": "ticket.resolve",
        "verdict": verdict,
        "outcome": outcome,
        "reason": "no",
    }


@pytest.mark.parametrize(
    ("history", "ended"),
    [
        ([acted()], "done"),
        ([acted(verdict="denied", outcome="")], "failed"),
        ([acted(outcome="failed")], "failed"),
        ([acted(step=2)], "failed"),
        ([acted(), acted(run="r0", outcome="failed")], "done"),
        ([], "failed"),
    ],
)
def test_a_run_ends_by_what_came_of_its_last_proposals(history, ended):
    assert close(history, "r1", 3).next == ended
