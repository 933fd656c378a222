"""A recorded run, walked through today's code: the same, or the first decision that differs."""

import dataclasses
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from adapters import registry
from adapters.inference.embedded import Inference
from adapters.inference.port import Question
from adapters.json_value import JSON
from personas import recordings
from personas.runtime import replaying
from personas.runtime.plan import Plan, Situation, plan
from personas.runtime.replaying import first_difference
from tests.doubles.agent import finish, propose

FACTS: dict[str, JSON] = {
    "ticket.ref": "INC-000007", "alert.join": "joined", "alert.name": "PageNotWell",
    "tried": [], "denied": [], "observed": [],
    "ci.ref": "web-01", "ci.name": "web-01", "ci.class": "service", "ci.impact": 2,
    "ci.lifeline": False, "ci.user_facing": True, "ci.maintenance": False,
    "ticket.repeats": 0, "history.worked": [],
}  # fmt: skip
WAYS = ("high", "medium", "low")
TRIAGE = {
    "kind": "triage",
    "card": "responder",
    "facts": FACTS,
    "candidates": [
        *({"id": f"assign_responders_{v}", "title": "r", "effect": ""} for v in WAYS),
        {"id": "escalate", "title": "e", "effect": ""},
    ],
}
INPUTS = {"first_question": "triage", "escalates_to": "people", "alert": {"name": "PageNotWell"}}


@pytest.fixture
def recorded(world):
    """A triage as the loop takes it: asked, answered by today's rules, assigned, closed."""
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO personas_grant (card_id, verb) VALUES ('responder', 'ticket.assign')"
    )
    run = world.value(
        "app",
        "SELECT gate.dispatch('responder', 'INC-000007', 2, %s, 'joined', %s, 'x')",
        json.dumps(["web-01"]), json.dumps(INPUTS),
    )  # fmt: skip
    question = Question.read(TRIAGE)
    answer = registry.inference().ask(question)
    chosen = plan("triage", answer, Situation("INC-000007", "web-01", 2, "people", FACTS))
    step, agent = world.step(), world.as_role("agent")
    for one in chosen.proposals:
        said = propose(agent, step, one.key, one.verb, one.entry, one.target, one.args)
        assert said["verdict"] == "authorised"
    finish(agent, step, "continue", TRIAGE, dataclasses.asdict(answer))
    owner.execute("UPDATE personas_step SET checkpoint = %s", [json.dumps({"stage": chosen.stage})])
    world.record()
    world.settle(world.claim("executor.light"))
    finish(agent, world.step(), "done", {"kind": "close"}, {"choice": "done"})
    return recordings.recorded_run(run)


def replay(run, *options):
    out = StringIO()
    try:
        call_command("personas", "replay", str(run), *options, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), ended.code
    return out.getvalue(), 0


def test_an_unchanged_run_goes_the_same_way(recorded):
    said, code = replay(recorded.id)
    assert (said[:5], code) == ("same:", 0)


def test_programs_are_told_too(recorded):
    said, _ = replay(recorded.id, "--json")
    assert json.loads(said) == {
        "run": recorded.id, "card": "responder", "ticket": "INC-000007", "steps": 2,
        "same": True, "difference": None,
    }  # fmt: skip


def test_a_changed_rule_is_found(recorded):
    class Other(Inference):
        """Rules that hand everything to a person."""

        def ask(self, question):
            return dataclasses.replace(super().ask(question), choice="escalate", rule="other")

    found = first_difference(recorded, Other())
    assert (found.step, found.what, found.today) == (1, "answer", "escalate (other)")


def test_a_changed_plan_is_found(recorded, monkeypatch):
    def elsewhere(kind, answer, situation):
        return dataclasses.replace(plan(kind, answer, situation), proposals=())

    monkeypatch.setattr(replaying, "plan", elsewhere)
    found = first_difference(recorded, registry.inference())
    assert (found.step, found.what, found.today) == (1, "proposal assign", "")


def test_a_changed_ending_is_found(recorded, monkeypatch):
    monkeypatch.setattr(replaying, "close", lambda *_: Plan(next="failed"))
    found = first_difference(recorded, registry.inference())
    assert (found.step, found.what) == (2, "how it goes on")


def test_a_right_that_was_taken_away_is_found(recorded, world):
    world.as_role("owner").execute("DELETE FROM personas_grant WHERE verb = 'ticket.assign'")
    said, code = replay(recorded.id)
    assert ("guards about assign" in said, "denied by grant" in said, code) == (True, True, 1)


def test_another_reading_of_the_rows_is_found(recorded):
    other = dataclasses.replace(recorded, joined="none")
    found = first_difference(other, registry.inference())
    assert (found.step, found.what, found.recorded, found.today) == (
        1, "fact alert.join", "joined", "none",
    )  # fmt: skip


def test_another_wording_is_no_other_decision(recorded):
    args = {**recorded.steps[0].actions[0].args, "note": "said in other words"}
    action = dataclasses.replace(recorded.steps[0].actions[0], args=args)
    first = dataclasses.replace(recorded.steps[0], actions=(action,))
    other = dataclasses.replace(recorded, steps=(first, *recorded.steps[1:]))
    assert first_difference(other, registry.inference()) is None


def test_a_run_that_is_none_ends_with_two(world):
    with pytest.raises(CommandError) as refused:
        replay("00000000-0000-0000-0000-000000000000")
    assert refused.value.returncode == 2
