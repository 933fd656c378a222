"""What a run does about a request, by what came of its steps so far; and who may do requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters import site
from ethops.desk.fulfilling import Standing, next_step
from personas import conf, offered
from personas.cards import read_cards
from personas.runtime.fulfilling import BUSY, MOST_TRIES, fulfil

CARDS = [card.document for card in read_cards(conf.cards_folder())[0]]
ASKED = {
    "ci": "web-01",
    "steps": [{"n": 1, "title": "Empty it", "entry": "clean_directory"},
              {"n": 2, "title": "Restart it", "entry": "restart_service"}],
}  # fmt: skip


def play(entry="clean_directory", verdict="authorised", outcome="done", run="r", **more):
    return {"run": run, "verb": "playbook.run", "entry": entry, "verdict": verdict, "guard": "",
            "outcome": outcome, "reason": "", "result": {}, "in_doubt": False} | more  # fmt: skip


def planned(*history, asked=ASKED):
    made = fulfil(asked, history=history, run="r", ticket_ref="REQ-1", escalates_to="people")
    return made, [(one.verb, one.entry, one.target) for one in made.proposals]


BOTH = (play(), play("restart_service"))


def test_steps_are_asked_for_in_order_and_one_at_a_time():
    assert planned()[1] == [("playbook.run", "clean_directory", "web-01")]
    assert planned(play())[1] == [("playbook.run", "restart_service", "web-01")]
    made, asks = planned(*BOTH)
    assert asks == [("ticket.resolve", "", "REQ-1")]
    assert "Empty it (clean_directory on web-01)" in made.proposals[0].args["solution"]


def test_what_another_run_did_is_no_doing_of_this_one():
    assert planned(play(run="before", outcome="failed"))[1] == planned()[1]


@pytest.mark.parametrize(
    "open_",
    [play(outcome=""), play(verdict="proposed", outcome=""), play(outcome="", in_doubt=True)],
    ids=["runs", "waits for a person", "in doubt"],
)
def test_what_is_open_is_waited_for(open_):
    made, asks = planned(open_)
    assert (asks, made.stage, made.wait_seconds > 0) == ([], "fulfil", True)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (play(verdict="denied", outcome="", reason="no right"), "denied. no right"),
        (play(verdict="observed", outcome=""), "may only observe"),
        (play(outcome="failed", result={"said": "no space"}), "failed. no space"),
        (play(outcome="void", result={"said": "people are there"}), "void. people are there"),
    ],
    ids=["denied", "observed", "failed", "void"],
)
def test_what_was_not_done_goes_to_a_person_in_words(last, said):
    made, asks = planned(last)
    assert asks == [("ticket.escalate", "", "REQ-1")]
    assert said in made.proposals[0].args["tried"]
    assert "Done so far: nothing." in made.proposals[0].args["tried"]


def test_a_busy_ci_is_asked_for_ever_more_rarely_and_not_for_ever():
    busy = play(verdict="denied", outcome="", guard=BUSY, reason="busy")
    waits = [planned(*[busy] * n)[0].wait_seconds for n in range(1, MOST_TRIES)]
    assert waits == sorted(set(waits))
    assert planned(*[busy] * (MOST_TRIES - 1))[1][0][0] == "playbook.run"
    assert planned(*[busy] * MOST_TRIES)[1][0][0] == "ticket.escalate"


PLAIN = Standing("new", "plain", "", "", approved=True, live_run=False, ran=False)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, "take"),
        ({"variant": "with_approver"}, "nothing"),
        ({"state": "waiting_for_approval", "variant": "with_approver"}, "nothing"),
        ({"state": "approved", "variant": "with_approver"}, "take"),
        ({"state": "approved", "assignee": "ada"}, "nothing"),
        ({"state": "assigned", "team": "responders"}, "fulfil"),
        ({"state": "assigned", "team": "responders", "live_run": True}, "nothing"),
        ({"state": "assigned", "team": "responders", "ran": True}, "escalate"),
        ({"state": "assigned", "team": "responders", "approved": False}, "escalate"),
        ({"state": "assigned", "team": "people"}, "nothing"),
        ({"state": "escalated"}, "tell_person"),
        *(({"state": state}, "nothing") for state in ("pending", "rejected", "resolved", "closed")),
    ],
)
def test_a_request_is_worked_on_only_where_it_may_be(over, expected):
    said = {name: getattr(PLAIN, name) for name in PLAIN.__slots__} | over
    assert next_step(Standing(**said), "responders") == expected


MODEL: dict[str, Any] = {
    "slug": "empty", "title": "Empty it", "card": "incident_responder",
    "fields": [{"name": "where", "label": "Where", "kind": "ci", "classes": ["directory"],
                "required": True}],
    "steps": [{"title": "Empty it", "entry": "clean_directory"}, "Tell"],
}  # fmt: skip


def read(tmp_path: Path, **over: object) -> list[str]:
    file = tmp_path / "site.yaml"
    models = [{"slug": "first", "title": "First"}, MODEL | over]
    file.write_text("request_models:\n" + "".join(f"  - {json.dumps(one)}\n" for one in models))
    found = site.read(file)
    said = [*found.faults, *offered.faults(found, CARDS)]
    assert all((one.line, bool(one.mend)) == (3, True) for one in said)
    return [one.what for one in said]


FIELD = MODEL["fields"][0]


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"card": "nobody"}, "No card nobody has runs."),
        ({"card": "change_implementer"}, "No card change_implementer has runs."),
        ({"card": "triage"}, "triage is not granted playbook.run clean_directory directory"),
        ({"fields": [FIELD | {"classes": ["directory", "host"]}]}, "clean_directory host."),
        ({"steps": [{"title": "Wipe", "entry": "format_disk"}]}, "format_disk directory."),
        ({"card": ""}, "A card does the steps that name an entry, and nothing else."),
        ({"steps": ["Tell"]}, "A card does the steps that name an entry, and nothing else."),
        ({"steps": MODEL["steps"][:1] * 2}, "Two steps name one entry."),
        ({"fields": []}, "An entry is run on the one CI that the form names."),
        ({"fields": [FIELD | {"required": False}]}, "An entry is run on the one CI that"),
        ({"fields": [FIELD, FIELD | {"name": "too"}]}, "An entry is run on the one CI that"),
        ({"fields": [FIELD | {"classes": []}]}, "A CI has `classes`, and nothing else does."),
    ],
)
def test_a_model_that_nobody_may_do_is_a_fault_with_its_line(tmp_path, over, said):
    assert any(said in what for what in read(tmp_path, **over))


def test_a_model_whose_card_has_every_right_has_no_fault(tmp_path):
    assert read(tmp_path) == []
