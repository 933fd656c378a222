from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tickets.states import MOVES
from ethops.desk.policy import CARDS, Standing, card_for, next_step
from personas.states import ENDS

NEW = Standing("new", "", "", live_run=False, last_run="", last_card="", alert_ended=False)
ASSIGNED = replace(
    NEW, state="assigned", team="responders", last_run="succeeded", last_card="triage"
)


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (NEW, "triage"),
        (ASSIGNED, "respond"),
        (replace(NEW, live_run=True), "nothing"),
        (replace(NEW, assignee="ada"), "nothing"),
        (replace(NEW, state="resolved"), "nothing"),
        (replace(NEW, state="escalated"), "tell_person"),
        (replace(NEW, alert_ended=True), "settle"),
        (replace(NEW, alert_ended=True, reopened=True), "triage"),
        (replace(ASSIGNED, alert_ended=True, reopened=True), "respond"),
        (replace(ASSIGNED, alert_ended=True, reopened=True, team="network"), "escalate"),
        (replace(NEW, last_run="failed", last_card="triage"), "escalate"),
        (replace(ASSIGNED, last_run="failed", last_card="incident_responder"), "escalate"),
        (replace(ASSIGNED, last_run="cancelled", last_card="incident_responder"), "escalate"),
        (replace(ASSIGNED, last_run="isolated", last_card="incident_responder"), "escalate"),
        (replace(ASSIGNED, team="network"), "escalate"),
        (replace(ASSIGNED, responder="other", last_run="failed", last_card="other"), "escalate"),
        (replace(ASSIGNED, responder="other", last_card="incident_responder"), "respond"),
    ],
)
def test_a_ticket_gets_its_next_step(at, step):
    assert next_step(at) == step


@pytest.mark.parametrize(("step", "card"), [("triage", "triage"), ("respond", "other")])
def test_who_looks_after_a_ci_responds_and_triage_is_for_all(step, card):
    assert card_for(step, "other") == card


standings = st.builds(
    Standing,
    state=st.sampled_from(sorted({*MOVES["incident"]})),
    team=st.sampled_from(["", "responders", "people"]),
    assignee=st.sampled_from(["", "ada"]),
    live_run=st.booleans(),
    last_run=st.sampled_from(["", *ENDS, "isolated"]),
    last_card=st.sampled_from(["", *CARDS.values()]),
    alert_ended=st.booleans(),
    reopened=st.booleans(),
)


@given(standings)
def test_what_was_opened_again_is_never_settled_by_a_rule(at):
    assert next_step(replace(at, reopened=True)) != "settle"


@given(standings)
def test_a_person_who_has_the_ticket_is_left_alone(at):
    assert next_step(replace(at, assignee="ada")) == "nothing"


@given(standings)
def test_an_open_ticket_that_nobody_has_is_never_forgotten(at):
    idle = replace(at, assignee="", live_run=False)
    if idle.state in {"new", "assigned", "escalated"}:
        assert next_step(idle) != "nothing"


@given(standings)
def test_a_card_that_did_not_help_is_not_asked_twice(at):
    if at.last_run:
        assert CARDS.get(next_step(at)) != at.last_card
