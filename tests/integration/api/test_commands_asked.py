"""Asking for a run with a command: what is taken, what is refused at once, what is kept of it."""

import json

import pytest

from adapters.tickets.models import Ticket
from personas.models import AgentIntent

PATH = "/api/v1/agentops/intents"
COMMAND = {"scope": "change", "argv": ["tool", "set", "x", "blue"], "ci": "box-01"}


@pytest.fixture(autouse=True)
def _card(scene):
    """The scene's card, with a scope of commands on boxes and a rule that knows what is forced."""
    document = {"first_question": "inspect", "escalates_to": "people"}
    scene.one("owner", "UPDATE personas_card SET document = %s", json.dumps(document))
    scene.one(
        "owner",
        "INSERT INTO personas_grant (card_id, verb, entry, ci_class)"
        " VALUES ('responder', 'command.run', 'change', 'box')",
    )
    scene.one(
        "owner",
        "INSERT INTO guardrails_commandscope (card_id, name, risk, commands, options, timeout_s,"
        " max_per_ticket, max_per_hour)"
        " VALUES ('responder', 'change', 'medium', %s, '[]', 5, 2, 50)",
        json.dumps([["tool", "set", "?", "{key}"]]),
    )
    scene.one(
        "owner",
        "INSERT INTO cmdb_ci (ref, name, ci_class, attributes, impact, urgency, source)"
        " VALUES ('box-01', 'Box', 'box', '{\"key\": \"blue\"}', 2, 2, 'test')",
    )
    rule = (
        'INSERT INTO guardrails_rule (id, effect, applies, "when", "unless", say, source, digest)'
        " VALUES (%s, 'refuse', %s, '{}', %s, 'x', 'x:1', 'd')"
    )
    for name, card, flag in (("ours", "responder", "force"), ("theirs", "other", "delete_runs")):
        applies = json.dumps({"cards": [card]})
        scene.one("owner", rule, name, applies, json.dumps({f"intent.{flag}": {"eq": True}}))


def ask(api, **more):
    said = {"agent_role": "responder", "prompt": "Make it blue.", **more}
    return api.post(PATH, said, format="json")


def intent(answer):
    assert answer.status_code == 202, answer.content
    return AgentIntent.objects.get(id=answer.json()["intent_id"])


def test_a_command_stands_in_the_intent_as_it_was_asked_for(api):
    found = intent(ask(api, command=COMMAND))
    assert found.inputs["command"] == COMMAND
    assert (found.scope, found.joined) == (["box-01"], "joined")


def test_a_run_with_a_command_is_about_the_ci_of_the_command(api):
    ticket = Ticket.objects.get(ref=intent(ask(api, command=COMMAND)).ticket_ref)
    assert [each.ci_ref for each in ticket.cis.all()] == ["box-01"]


def test_an_intent_shows_its_command(api):
    answer = ask(api, command=COMMAND)
    assert api.get(f"{PATH}/{answer.json()['intent_id']}").json()["command"] == COMMAND


def test_an_intent_without_a_command_shows_none(api):
    assert api.get(f"{PATH}/{ask(api).json()['intent_id']}").json()["command"] is None


def test_on_a_ticket_it_must_be_one_of_its_cis(api, scene):
    answer = ask(api, command=COMMAND, job_id=scene.incident())
    assert (answer.status_code, answer.json()["code"]) == (422, "agentops.command_refused")


REFUSED = {
    "no such scope": ({"scope": "look"}, 422, "agentops.unknown_scope"),
    "no such ci": ({"ci": "box-99"}, 422, "agentops.command_refused"),
    "a ci of another class": ({"ci": "web-01"}, 422, "agentops.command_refused"),
    "another command": ({"argv": ["tool", "drop", "x"]}, 422, "agentops.command_refused"),
    "another program": ({"argv": ["sh", "-c", "id"]}, 422, "agentops.command_refused"),
    "not what the ci declares": (
        {"argv": ["tool", "set", "x", "red"]}, 422, "agentops.command_refused",
    ),
    "an option": ({"argv": ["tool", "set", "-x", "blue"]}, 422, "agentops.command_refused"),
    "a line break": ({"argv": ["tool", "set", "a\nb", "blue"]}, 422, "agentops.command_refused"),
    "no vector": ({"argv": []}, 400, "request.invalid"),
    "an empty element": ({"argv": ["tool", "set", "", "blue"]}, 400, "request.invalid"),
    "a text": ({"argv": "tool set x blue"}, 400, "request.invalid"),
    "too many": ({"argv": ["tool"] * 65}, 400, "request.invalid"),
    "a null": ({"argv": ["tool", "set", "x\0", "blue"]}, 400, "request.invalid"),
    "no scope": ({"scope": ""}, 400, "request.invalid"),
    "an odd scope": ({"scope": "Change it"}, 400, "request.invalid"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_gate_would_deny_in_any_case_is_refused_at_once(api, changed, status, code):
    before = (AgentIntent.objects.count(), Ticket.objects.count())
    answer = ask(api, command={**COMMAND, **changed})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (AgentIntent.objects.count(), Ticket.objects.count()) == before


@pytest.mark.parametrize("field", ["scope", "argv", "ci"])
def test_a_command_is_whole(api, field):
    command = {name: value for name, value in COMMAND.items() if name != field}
    assert ask(api, command=command).status_code == 400


@pytest.mark.parametrize("said", [{"force": True}, {"flags": ["force"]}])
def test_a_flag_that_a_rule_knows_reaches_it(api, said):
    assert intent(ask(api, command=COMMAND, **said)).inputs["force"] is True


def test_what_is_not_said_is_no_fact(api):
    assert "force" not in intent(ask(api, command=COMMAND, force=False)).inputs


@pytest.mark.parametrize("flag", ["delete_runs", "unheard_of", "alert", "asked_by"])
def test_a_flag_that_no_rule_of_the_card_hears_is_refused(api, flag):
    answer = ask(api, command=COMMAND, flags=[flag])
    assert (answer.status_code, answer.json()["code"]) == (422, "agentops.unknown_flag")


def test_force_is_refused_where_no_rule_knows_it(api, scene):
    scene.one("owner", "UPDATE guardrails_rule SET enabled = false WHERE id = 'ours'")
    assert ask(api, force=True).json()["code"] == "agentops.unknown_flag"


def test_a_card_that_nobody_has_approved_has_no_runs(api, scene):
    scene.one("owner", "UPDATE personas_card SET digest = 'other'")
    answer = ask(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "agentops.unapproved")


def test_other_words_under_the_same_key_are_refused_by_their_command(api):
    said = {"agent_role": "responder", "prompt": "x", "command": COMMAND}
    first = api.post(PATH, said, format="json", HTTP_IDEMPOTENCY_KEY="k")
    again = api.post(PATH, said, format="json", HTTP_IDEMPOTENCY_KEY="k")
    del said["command"]
    other = api.post(PATH, said, format="json", HTTP_IDEMPOTENCY_KEY="k")
    assert (first.json(), other.status_code) == (again.json(), 409)
