"""From any effect back to its alert: every link, in order, with the entry that holds it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from ethops.world import why
from tests.integration.api.scene import NASTY, alert

STAGES = (
    *("event", "incident", "dispatch", "run", "step", "proposal", "decision"),
    *("claim", "outcome"),
)


def say(*words):
    out = StringIO()
    call_command("personas", "why", *words, stdout=out)
    return out.getvalue()


def test_an_effect_leads_back_to_its_alert_link_by_link(scene):
    chain = why.of_action(scene.actions["done"])
    assert tuple(link.stage for link in chain.links) == STAGES


def test_what_was_denied_ends_with_the_decision(scene):
    chain = why.of_action(scene.actions["denied"])
    assert tuple(link.stage for link in chain.links) == STAGES[:7]
    assert chain.links[-1].facts["guard"] == "grant"


def test_each_link_that_is_recorded_names_the_entry_that_says_it(scene):
    kinds = dict(Entry.objects.values_list("seq", "kind"))
    found = {
        link.stage: kinds[link.seq]
        for link in why.of_action(scene.actions["done"]).links
        if link.seq
    }
    assert found == {
        "incident": "ticket.opened",
        "dispatch": "run.born",
        "run": "run.born",
        "step": "step.taken",
        "proposal": "action.authorised",
        "decision": "action.authorised",
        "outcome": "action.outcome",
    }


def test_the_entries_of_a_chain_hold(scene):
    links = why.of_action(scene.actions["done"]).links
    assert {link.holds for link in links if link.seq} == {True}


def test_an_entry_whose_bytes_were_changed_is_told(scene, evil):
    seq = Entry.objects.get(kind="action.outcome", subject=str(scene.actions["done"])).seq
    evil(f"UPDATE audit_entry SET body = body || ' '::bytea WHERE seq = {seq}")
    chain = why.of_action(scene.actions["done"])
    assert [link.stage for link in chain.links if link.holds is False] == ["outcome"]
    assert "its bytes do not give its hash" in say(str(scene.actions["done"]))


def test_the_step_tells_answer_and_reasons(scene):
    step = next(s for s in why.of_action(scene.actions["done"]).links if s.stage == "step")
    assert step.what == "step 1: diagnose, answered restart"
    assert (step.facts["why"], step.facts["confidence"]) == (["the symptom is no_answer"], 0.9)


def test_what_is_not_written_yet_has_no_number(scene):
    scene.incident(alert("Other", ci="old-01"))
    ref = scene.one("app", "SELECT ref FROM tickets_ticket ORDER BY opened_at DESC LIMIT 1")["ref"]
    scene.one(
        "app",
        "SELECT gate.order_notice('test', 'k', %s, %s)",
        ref,
        json.dumps({"title": "t", "text": "x", "kind": "mail", "target": "mailto:a@b"}),
    )
    (chain,) = why.of_ticket(ref)
    assert {link.seq for link in chain.links} == {None}


def test_a_ticket_leads_to_everything_that_was_asked_for_on_it(scene):
    said = json.loads(say(scene.ticket, "--json"))
    assert [one["action"] for one in said] == [str(one) for one in scene.actions.values()]


def test_a_run_leads_to_everything_that_it_asked_for(scene):
    assert len(json.loads(say(str(scene.run), "--json"))) == 3


def test_the_text_names_each_entry(scene):
    text = say(str(scene.actions["done"]))
    seq = Entry.objects.get(kind="run.born").seq
    assert f"#{seq}" in text
    assert "alert WebHangs" in text


def test_text_of_strangers_does_not_reach_the_terminal_as_control_characters(scene):
    scene.one(
        "owner",
        "UPDATE personas_action SET result = %s WHERE id = %s",
        json.dumps({"said": "\x1b[2J\x07 gone"}),
        scene.actions["done"],
    )
    assert "\x1b" not in say(str(scene.actions["done"]))


@pytest.mark.parametrize(
    "about", ["INC-99999", "0f8fad5b-d9cb-469f-a165-70867728950e", "", "nothing\x00", "%"]
)
def test_what_is_not_there_is_an_error_in_a_sentence(scene, about):
    with pytest.raises(CommandError, match="Nothing was asked for"):
        say(about)


def test_a_chain_takes_a_fixed_number_of_queries(scene):
    def queries(found):
        with CaptureQueriesContext(connection) as caught:
            found()
        return len(caught)

    one = queries(lambda: why.of_action(scene.actions["denied"]))
    assert queries(lambda: why.of_ticket(scene.ticket)) == one


def test_the_page_of_an_action_shows_the_way(desk, scene):
    text = desk.get(f"/actions/{scene.actions['done']}/").content.decode()
    way = text[text.index("From the alert to this") :]
    places = [way.index(words) for words in ("WebHangs", scene.ticket, "responder", "restart")]
    assert places == sorted(places)
    assert NASTY not in way


def test_the_page_of_agents_is_calm_where_nobody_works(desk):
    text = desk.get("/agents/").content.decode()
    assert "No agent is at work." in text
    assert "Nobody waits for anybody." in text


def test_the_page_of_agents_shows_who_works_on_what(desk, scene):
    text = desk.get("/agents/").content.decode()
    assert "1 agent at work, and none waits for another." in text
    assert scene.ticket in text
