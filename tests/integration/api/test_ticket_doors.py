"""The doors of tickets hold exactly the table: API, pages, and the verbs of agents."""

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.test import Client

from adapters.tickets import embedded, states
from adapters.tickets.models import Deed, RequestModel, Ticket
from adapters.tickets.port import ChangeDraft, RequestDraft, TicketDraft, Vouched
from ethops.executor.errors import TicketRefusedError
from ethops.executor.registry import EFFECTS
from ethops.executor.ticket_effects import STIMULI
from personas.gate import Claim
from tests.integration.api.conftest import api_of

AT = datetime(2026, 3, 2, 14, tzinfo=UTC)
FULL = {
    "team": "people", "solution": "Done.", "pending_reason": "supplier", "workaround": "Restart.",
    "root_cause": "A leak.", "planned_start": AT.isoformat(), "implementer": "ida",
    "planned_end": (AT + timedelta(hours=1)).isoformat(), "backout": "Back.", "decision": "So.",
}  # fmt: skip
KINDS = [(name, of) for name in states.MOVES for of in states.VARIANTS[name]]
each_kind = pytest.mark.parametrize(("ticket_class", "variant"), KINDS, ids=map("-".join, KINDS))
ROLES = {
    "otto": {"operator"},
    "rhea": {"operator", "requester"},
    "abe": {"operator", "approver"},
}
"""People of the desk, and what each is to the ticket, which rhea has asked for."""

ARGS = {
    "ticket.comment": {"text": "I look."},
    "ticket.assign": {"team": "people", "impact": "2", "urgency": "2"},
    "ticket.resolve": {"solution": "Done."},
    "ticket.escalate": {"team": "people", "tried": "This.", "asked": "That."},
    "ticket.ask": {"name": "is_meant", "text": "Is it meant?", "answers": "yes no"},
}


@pytest.fixture
def people():
    made = {name: User.objects.create_user(name, is_staff=True) for name in ROLES}
    made["abe"].user_permissions.add(Permission.objects.get(codename="approve"))
    made["abe"].groups.add(Group.objects.create(name="leads"))
    return made


def opened(ticket_class, variant):
    """A ticket of this kind that rhea has asked for."""
    model = "gpu" if variant == "with_approver" else "question"
    draft = TicketDraft(
        ticket_class, "It hangs", "", 2, 2, "rhea", "person",
        change=ChangeDraft(variant, "It leaks.") if ticket_class == "change" else None,
        request=RequestDraft(model, {"hours": 3}) if ticket_class == "request" else None,
    )  # fmt: skip
    operator = Vouched(frozenset({"operator"}))
    return embedded.Writer().open(uuid4(), draft, operator).ref


@contextmanager
def standing(ref, state):
    """The ticket in a state, put there past every door; nothing that follows stays."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tickets_ticket SET state = %s, resolved_at = now() WHERE ref = %s",
                [state, ref],
            )
        yield
        transaction.set_rollback(True)


def tries(ticket_class, variant):
    """Every state and stimulus, with everybody who is to try it."""
    for state in states.states(ticket_class):
        there = states.moves(ticket_class, state, variant)
        for stimulus in states.all_stimuli():
            # What the state does not take at all, nobody is asked about twice.
            who = ROLES if stimulus in there else ["abe"]
            for name in who:
                yield state, stimulus, name, there.get(stimulus)


def allowed(move, name):
    return move is not None and bool(move.by & ROLES[name])


def needs(move):
    return {} if move is None else {one: FULL[one] for one in move.needs}


@each_kind
def test_the_api_is_exactly_the_table(people, catalogue, enrolled, ticket_class, variant):
    code = enrolled("abe")
    apis = {name: api_of(user) for name, user in people.items()}
    ref = opened(ticket_class, variant)
    for state, stimulus, name, move in tries(ticket_class, variant):
        with standing(ref, state):
            said = {"stimulus": stimulus, **needs(move)}
            if (stimulus, name) == ("ev_approve", "abe") and move is not None:
                said |= code()
            answer = apis[name].post(f"/api/v1/tickets/{ref}/move", said, format="json")
            got = answer.json().get("code") or answer.json()["state"]
        expected = "tickets.move_refused"
        if move is not None:
            expected = move.to if allowed(move, name) else "tickets.not_allowed"
        if (ticket_class, stimulus, expected) == ("problem", "ev_close", "closed"):
            expected = "tickets.recurrence_unknown"
        assert got == expected, (state, stimulus, name)


@each_kind
def test_the_page_makes_exactly_the_moves_of_the_table(
    people, catalogue, enrolled, ticket_class, variant
):
    code = enrolled("abe")
    desks = {name: Client() for name in people}
    for name, client in desks.items():
        client.force_login(people[name])
    ref = opened(ticket_class, variant)
    for state, stimulus, name, move in tries(ticket_class, variant):
        if move is None and state != states.INITIAL:
            # The API was asked about all of them; this door leads to the same place.
            continue
        with standing(ref, state):
            before = Deed.objects.filter(ticket_id=ref).count()
            form = {"act": "move", "stimulus": stimulus, "key": str(uuid4()), **needs(move)}
            form |= code() if name == "abe" else {}
            desks[name].post(f"/tickets/{ref}/", form)
            after = Ticket.objects.get(ref=ref).state
            done = Deed.objects.filter(ticket_id=ref).count() - before
        moved = allowed(move, name) and (ticket_class, stimulus) != ("problem", "ev_close")
        expected = (move.to, 1) if moved else (state, 0)
        assert (after, done) == expected, (state, stimulus, name)


@each_kind
def test_the_page_offers_exactly_what_whoever_looks_may_do(
    people, catalogue, ticket_class, variant
):
    ref = opened(ticket_class, variant)
    for name, user in people.items():
        client = Client()
        client.force_login(user)
        for state in states.states(ticket_class):
            with standing(ref, state):
                text = client.get(f"/tickets/{ref}/").content.decode()
            offered = set(re.findall(r'name="stimulus" value="(ev_[a-z_]+)"', text))
            there = states.moves(ticket_class, state, variant)
            assert offered == {one for one, move in there.items() if allowed(move, name)}, state


def claim(verb, ref):
    """A permitted action of a card, as its executor has it."""
    return Claim(
        action_id=uuid4(), fence=1, verb=verb, entry="", target=ref, args=ARGS[verb],
        ticket_ref=ref, card="triage", run_id=uuid4(), principal="run:x", tree_hash="",
        entry_seq=1, attempts=1, timeout_s=60, parameters={}, document={}, holder="h:1",
        signed=None,
    )  # fmt: skip


@each_kind
def test_the_verbs_of_agents_are_exactly_the_table(catalogue, as_executor, ticket_class, variant):
    assert {verb for verb in EFFECTS if verb.startswith("ticket.")} == ARGS.keys()
    ref = opened(ticket_class, variant)
    with as_executor():
        for state in states.states(ticket_class):
            there = states.moves(ticket_class, state, variant)
            for verb, stimulus in STIMULI.items():
                got = done_by_an_agent(verb, ref, state)
                expected = "tickets.move_refused"
                if stimulus in there:
                    mine = "agent" in there[stimulus].by
                    expected = there[stimulus].to if mine else "tickets.not_allowed"
                assert got == expected, (state, verb)


def done_by_an_agent(verb, ref, state):
    with standing(ref, state):
        try:
            EFFECTS[verb].act(claim(verb, ref))
        except TicketRefusedError as fault:
            return fault.result["refused"]
        return Ticket.objects.get(ref=ref).state


# ---------------------------------------------------------------- who is who


def test_who_asked_for_a_change_does_not_approve_it_by_any_door(people, catalogue):
    people["rhea"].user_permissions.add(Permission.objects.get(codename="approve"))
    ref = opened("change", "normal")
    with standing(ref, "planned"):
        answer = api_of(people["rhea"]).post(
            f"/api/v1/tickets/{ref}/move", {"stimulus": "ev_approve"}, format="json"
        )
        said = api_of(people["otto"]).get(f"/api/v1/tickets/{ref}").json()
    assert (answer.status_code, answer.json()["code"]) == (403, "tickets.not_independent")
    assert "ev_approve" not in said["stimuli"]


def test_a_house_with_one_operator_lets_him(people, role, enrolled):
    code = enrolled("rhea")
    people["rhea"].user_permissions.add(Permission.objects.get(codename="approve"))
    role("owner").execute("UPDATE approvals_profile SET single = true")
    ref = opened("change", "emergency")
    with standing(ref, "planned"):
        answer = api_of(people["rhea"]).post(
            f"/api/v1/tickets/{ref}/move", {"stimulus": "ev_approve", **code()}, format="json"
        )
        line = embedded.Reader().worklog(ref)[-1].text
    assert answer.json()["state"] == "approved"
    assert "not independent" in line


def test_a_login_called_like_a_card_is_no_operator(people, scene):
    user = User.objects.create_user("responder", is_staff=True)
    answer = api_of(user).post(
        f"/api/v1/tickets/{scene.ticket}/move",
        {"stimulus": "ev_resolve", "solution": "x"}, format="json",
    )  # fmt: skip
    assert answer.json()["code"] == "tickets.not_allowed"


# ---------------------------------------------------------------- filing


WRONG = {
    "title": "", "change_type": "huge", "reason": " ", "impact": "9", "urgency": "",
    "cis": "nowhere-01", "incidents": "INC-99999", "planned_start": "2026-03-02 14:00",
    "planned_end": "2026-03-01 14:00", "service": "Not A Slug", "implementer": "ida",
    "backout": "<b>Keep this</b>",
}  # fmt: skip
FAULTY = {
    "title", "change_type", "reason", "impact", "urgency", "cis", "incidents", "planned_end",
    "service",
}  # fmt: skip


def test_a_form_with_everything_wrong_says_all_of_it_and_loses_nothing(desk):
    answer = desk.post("/tickets/new/change/", {**WRONG, "key": str(uuid4())})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert set(re.findall(r'class="wrong" id="new-([a-z_]+)-wrong"', text)) == FAULTY
    assert "9 fields need a change. Nothing you typed is lost." in text
    assert "&lt;b&gt;Keep this&lt;/b&gt;" in text
    assert 'value="2026-03-02 14:00"' in text
    assert not Ticket.objects.exists()


def test_the_api_says_all_of_it_at_once_too(api):
    answer = api.post("/api/v1/tickets", {"ticket_class": "change", **WRONG}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "tickets.draft_refused")
    assert set(answer.json()["errors"]) == FAULTY
    assert not Ticket.objects.exists()


def test_a_change_is_filed_by_the_page_and_stands_in_the_record(desk, scene):
    form = {
        "title": "New disk", "change_type": "normal", "reason": "It is full.", "impact": "2",
        "urgency": "3", "cis": "web-01", "incidents": scene.ticket, "key": str(uuid4()),
    }  # fmt: skip
    for _ in range(2):
        answer = desk.post("/tickets/new/change/", form, follow=True)
    text = answer.content.decode()
    (made,) = Ticket.objects.filter(ticket_class="change", title="New disk")
    assert made.change.change_type == "normal"
    assert "Normal change" in text
    assert f'solves <a href="/tickets/{scene.ticket}/"' in text
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit_pending WHERE ticket_ref = %s", [made.ref])
        (told,) = [json.loads(row[0]) for row in cursor.fetchall()]
    assert (told["class"], told["change_type"]) == ("change", "normal")


def test_an_item_of_the_catalogue_is_filed_with_faults_beside_its_fields(desk, catalogue):
    wrong = {"hours": "none", "begin": "soon", "loud": "on", "key": str(uuid4())}
    answer = desk.post("/tickets/new/request/gpu/", wrong)
    text = answer.content.decode()
    assert set(re.findall(r'id="new-([a-z_]+)-wrong"', text)) == {"hours", "begin"}
    assert 'name="loud" checked' in text
    right = {**wrong, "hours": "4", "begin": "2026-03-02 14:00"}
    shown = desk.post("/tickets/new/request/gpu/", right, follow=True).content.decode()
    assert "waits for approval" in shown
    assert "How many hours</dt><dd>4" in shown


def test_a_request_is_filed_by_the_api(api, catalogue):
    said = {"ticket_class": "request", "model": "gpu", "answers": {"hours": "many", "x": 1}}
    refused = api.post("/api/v1/tickets", said, format="json")
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"hours", "x"})
    said["answers"] = {"hours": 4, "loud": True}
    made = api.post("/api/v1/tickets", said, format="json").json()
    found = api.get(f"/api/v1/tickets/{made['ref']}").json()
    assert found["details"]["answers"] == {"hours": 4, "loud": True}
    assert (found["state"], found["requester"]) == ("waiting_for_approval", "ada")
    unknown = api.post("/api/v1/tickets", {**said, "model": "moon"}, format="json")
    assert unknown.json()["code"] == "tickets.unknown_model"


def test_what_is_on_offer_is_listed(api, desk, catalogue):
    listed = api.get("/api/v1/request-models").json()["results"]
    assert [one["slug"] for one in listed] == ["gpu", "question"]
    assert listed[0]["fields_asked"][0]["name"] == "hours"
    text = desk.get("/tickets/new/").content.decode()
    assert all(one in text for one in ("/tickets/new/request/gpu/", "/tickets/new/change/"))
    RequestModel.objects.count()
    assert desk.get("/tickets/new/request/moon/").status_code == 404


def test_who_does_which_step_is_said_with_what_is_on_offer(api, role):
    add = (
        "INSERT INTO tickets_requestmodel (slug, title, impact, urgency, fields, steps, card,"
        " entries) VALUES (%s, %s, 3, 3, '[]', %s, %s, %s)"
    )
    steps = '["Empty it", "Look at it"]'
    role("owner").execute(add, ["empty", "Empty it", steps, "responder", '["clean_directory", ""]'])
    role("owner").execute(add, ["ours", "By people", steps, "", "[]"])
    said = {one["slug"]: one for one in api.get("/api/v1/request-models").json()["results"]}
    assert (said["empty"]["card"], said["empty"]["entries"]) == (
        "responder", ["clean_directory", ""],
    )  # fmt: skip
    assert (said["ours"]["card"], said["ours"]["entries"]) == ("", ["", ""])


def test_steps_are_finished_and_tickets_linked_by_page_and_api(api, desk, role, scene):
    role("owner").execute(
        "INSERT INTO tickets_requestmodel (slug, title, impact, urgency, fields, steps)"
        " VALUES ('two', 'Two', 3, 3, '[]', '[\"One\", \"Another\"]')"
    )
    said = {"ticket_class": "request", "model": "two", "answers": {}}
    ref = api.post("/api/v1/tickets", said, format="json").json()["ref"]
    assert api.post(f"/api/v1/tickets/{ref}/steps/1/done", {}, format="json").status_code == 200
    desk.post(f"/tickets/{ref}/", {"act": "step", "n": "2", "key": str(uuid4())})
    steps = api.get(f"/api/v1/tickets/{ref}").json()["details"]["steps"]
    assert [step["done_by"] for step in steps] == ["ada", "ada"]
    problem = {"ticket_class": "problem", "title": "It leaks", "impact": 2, "urgency": 2}
    prb = api.post("/api/v1/tickets", problem, format="json").json()["ref"]
    form = {"act": "link", "kind": "caused_by", "other": prb, "key": str(uuid4())}
    text = desk.post(f"/tickets/{scene.ticket}/", form, follow=True).content.decode()
    assert "is caused by the problem" in text
    said = {"kind": "caused_by", "other": scene.ticket}
    refused = api.post(f"/api/v1/tickets/{prb}/link", said, format="json")
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"other"})


def test_a_move_with_faults_is_shown_again_with_what_was_typed(desk):
    ref = opened("change", "emergency")
    with standing(ref, "assigned"):
        form = {
            "act": "move", "stimulus": "ev_plan", "key": str(uuid4()), "planned_start": "soon",
            "planned_end": "", "implementer": "ida", "backout": "Put it back.",
        }  # fmt: skip
        answer = desk.post(f"/tickets/{ref}/", form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert set(re.findall(r'id="ev_plan([a-z_]+)-wrong"', text)) >= {"planned_start", "planned_end"}
    assert 'value="soon"' in text
    assert "Put it back." in text
