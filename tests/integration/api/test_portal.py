"""The portal: own tickets alone, public lines alone, exactly the table, and no key fits twice."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from adapters.tickets import questions, states
from adapters.tickets.beside import Asking
from adapters.tickets.models import Deed, LogLine, Ticket
from adapters.tickets.port import Note
from ethops.executor import tickets
from ethops.guests import links
from ethops.guests.models import Link
from ethops.portal import bounds
from tests.doubles.knocks import one_slot as _one_slot
from tests.integration.api.test_ticket_doors import (
    each_kind,
    needs,
    opened,
    standing,
)

one_slot = _one_slot
ROLES = {
    "rhea": {"requester"},
    "lea": {"approver"},
    "otto": set(),
    "abe": set(),
    "mia": set(),
}
"""What each is at this door: rhea has asked, lea approves; otto and abe are of the desk."""


@pytest.fixture
def people():
    made = {name: User.objects.create_user(name, password="x") for name in ROLES}
    for name in ("otto", "abe"):
        made[name].is_staff = True
        made[name].save()
    made["abe"].user_permissions.add(Permission.objects.get(codename="approve"))
    made["lea"].groups.add(Group.objects.create(name="leads"))
    return made


@pytest.fixture
def visit(people):
    def of(name):
        client = Client(raise_request_exception=False)
        client.force_login(people[name])
        return client

    return of


def told(kind):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body, subject FROM audit_pending WHERE kind = %s ORDER BY n", [kind])
        return cursor.fetchall()


def text_of(answer):
    return answer.content.decode()


def roles_at(name, ticket_class, variant):
    """Approvers are so of requests that name their group; of changes nobody is, at this door."""
    roles = set(ROLES[name])
    if (ticket_class, variant) != ("request", "with_approver"):
        roles.discard("approver")
    return roles


@each_kind
def test_the_portal_makes_exactly_the_moves_of_the_table(
    people,
    visit,
    catalogue,
    ticket_class,
    variant,
):
    clients = {name: visit(name) for name in ROLES}
    ref = opened(ticket_class, variant)
    for state in states.states(ticket_class):
        there = states.moves(ticket_class, state, variant)
        for stimulus in states.all_stimuli():
            move = there.get(stimulus)
            # What the state does not take at all, its requester alone is asked about.
            for name in ROLES if move else ["rhea"]:
                with standing(ref, state):
                    before = Deed.objects.filter(ticket_id=ref).count()
                    form = {"act": stimulus, "key": str(uuid4()), **needs(move)}
                    clients[name].post(f"/portal/tickets/{ref}/", form)
                    after = Ticket.objects.get(ref=ref).state
                    done = Deed.objects.filter(ticket_id=ref).count() - before
                mine = move is not None and bool(move.by & roles_at(name, ticket_class, variant))
                expected = (move.to, 1) if mine else (state, 0)
                assert (after, done) == expected, (state, stimulus, name)


@each_kind
def test_the_portal_offers_exactly_what_whoever_looks_may_do(
    people,
    visit,
    catalogue,
    ticket_class,
    variant,
):
    ref = opened(ticket_class, variant)
    for name in ROLES:
        client = visit(name)
        for state in states.states(ticket_class):
            with standing(ref, state):
                text = text_of(client.get(f"/portal/tickets/{ref}/"))
            offered = set(re.findall(r'name="act" value="(ev_[a-z_]+)"', text))
            there = states.moves(ticket_class, state, variant)
            roles = roles_at(name, ticket_class, variant)
            assert offered == {s for s, move in there.items() if move.by & roles}, (name, state)


def test_a_link_makes_its_bearer_the_requester_and_nothing_more(people, catalogue):
    ref = opened("request", "with_approver")
    token = links.make(ref=ref, person="rhea", by="test")
    guest = Client()
    assert guest.get(f"/portal/l/{token}/", follow=True).status_code == 200
    for state in states.states("request"):
        with standing(ref, state):
            text = text_of(guest.get(f"/portal/tickets/{ref}/"))
        offered = set(re.findall(r'name="act" value="(ev_[a-z_]+)"', text))
        there = states.moves("request", state, "with_approver")
        assert offered == {s for s, move in there.items() if "requester" in move.by}, state


# ---------------------------------------------------------------- filing


def test_somebody_without_a_place_at_the_desk_files_and_follows(visit):
    mia = visit("mia")
    form = {"title": "The printer is on fire", "hinders": "many", "key": str(uuid4())}
    for _ in range(2):
        answer = mia.post("/portal/new/", form, follow=True)
    (made,) = Ticket.objects.filter(requester="mia")
    assert (made.ticket_class, made.priority, made.title) == ("incident", "P2", form["title"])
    assert "Nobody has begun yet" in text_of(answer)
    assert "The printer is on fire" in text_of(mia.get("/portal/"))
    assert mia.get("/").status_code == 302
    assert mia.get(f"/tickets/{made.ref}/").status_code == 302


def test_a_requester_cannot_raise_what_wakes_people_at_night(visit):
    visit("mia").post(
        "/portal/new/",
        {"title": "x", "hinders": "many", "impact": "1", "urgency": "1", "key": str(uuid4())},
    )
    assert Ticket.objects.get(requester="mia").priority == "P2"


def test_everything_wrong_is_said_at_once_and_what_was_typed_stays(visit):
    wrong = {"title": " ", "description": "<b>Smoke</b>", "hinders": "huge", "key": str(uuid4())}
    answer = visit("mia").post("/portal/new/", wrong)
    text = text_of(answer)
    assert answer.status_code == 422
    assert set(re.findall(r'id="new-([a-z]+)-wrong"', text)) == {"title", "hinders"}
    assert "2 fields need a change. Nothing you typed is lost." in text
    assert "&lt;b&gt;Smoke&lt;/b&gt;" in text
    assert not Ticket.objects.filter(requester="mia").exists()


def test_a_request_of_the_catalogue_says_what_is_wrong_beside_its_fields(
    visit,
    catalogue,
):
    wrong = {"hours": "none", "begin": "soon", "loud": "on", "key": str(uuid4())}
    answer = visit("mia").post("/portal/new/gpu/", wrong)
    assert set(re.findall(r'id="new-([a-z]+)-wrong"', text_of(answer))) == {"hours", "begin"}
    right = {"hours": "3", "begin": "2026-03-02 14:00", "key": str(uuid4())}
    text = text_of(visit("mia").post("/portal/new/gpu/", right, follow=True))
    assert "It waits for somebody of leads to approve it." in text
    assert "How many hours</dt><dd>3" in text


def test_one_person_s_key_never_shows_anothers_ticket(visit):
    key = str(uuid4())
    first = {"title": "Mine", "hinders": "later", "key": key}
    visit("mia").post("/portal/new/", first)
    answer = visit("rhea").post("/portal/new/", {**first, "title": "Hers"}, follow=True)
    assert "Hers" in text_of(answer)
    assert Ticket.objects.filter(requester="rhea", title="Hers").count() == 1


# ---------------------------------------------------------------- seeing


def test_private_lines_and_others_tickets_are_not_shown(visit):
    ref = opened("incident", "")
    tickets.comment_by_person(
        key=uuid4(), ref=ref, person="otto", text="He is a fool.", visibility="private"
    )
    tickets.comment_by_person(key=uuid4(), ref=ref, person="otto", text="We look at it.")
    text = text_of(visit("rhea").get(f"/portal/tickets/{ref}/"))
    assert "We look at it." in text
    assert "fool" not in text
    for name in ("mia", "otto", "lea"):
        answer = visit(name).get(f"/portal/tickets/{ref}/")
        assert (answer.status_code, "It hangs" in text_of(answer)) == (404, False), name
    assert {code_of(body) for body, _ in told("event.refused_guest")} == {"portal.not_yours"}


def code_of(body):
    return (body if isinstance(body, dict) else json.loads(body))["code"]


def test_what_is_not_there_looks_like_what_is_anothers(visit):
    ref = opened("incident", "")
    nothing = text_of(visit("mia").get("/portal/tickets/INC-99999/"))
    others = text_of(visit("mia").get(f"/portal/tickets/{ref}/"))
    alike = [re.sub(r'name="csrf[^>]*>|(INC-[0-9]+)', "", page) for page in (nothing, others)]
    assert alike[0] == alike[1]


def test_an_answer_is_a_line_of_text_that_can_do_nothing(visit):
    ref = opened("incident", "")
    form = {"act": "answer", "text": "<script>alert(1)</script> it still hangs"}
    for _ in range(2):
        visit("rhea").post(f"/portal/tickets/{ref}/", {**form, "key": str(uuid4())[:-4] + "0000"})
    line = LogLine.objects.filter(ticket_id=ref, author="rhea").last()
    assert (line.visibility, line.tainted) == ("public", True)
    text = text_of(visit("rhea").get(f"/portal/tickets/{ref}/"))
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_an_empty_answer_says_so_beside_the_field(visit):
    ref = opened("incident", "")
    answer = visit("rhea").post(f"/portal/tickets/{ref}/", {"act": "answer", "text": " "})
    assert answer.status_code == 422
    assert 'id="text-wrong"' in text_of(answer)


def test_an_answer_ends_the_waiting_for_it_whatever_it_says(visit, role):
    ref = opened("incident", "")
    role("owner").execute(
        "UPDATE tickets_ticket SET state = 'pending', pending_reason = 'requester', team = 'people'"
        " WHERE ref = %s", [ref],
    )  # fmt: skip
    form = {"act": "answer", "text": "No.", "key": str(uuid4())}
    visit("rhea").post(f"/portal/tickets/{ref}/", form)
    assert Ticket.objects.get(ref=ref).state == "assigned"


@pytest.fixture
def asked(people, as_executor):
    """A ticket of rhea's about which an agent asks people one thing."""
    ref = opened("incident", "")
    with as_executor():
        asking = Asking("is_meant", "Is it <meant>?", ("yes", "no"))
        note = Note("", "incident_responder", "agent")
        questions.ask(key=uuid4(), ref=ref, asking=asking, note=note)
    return ref


def answered(ref):
    (one,) = questions.of_ticket(ref)
    return one.answer, one.answered_by


def test_a_button_answers_what_an_agent_asks(visit, asked):
    text = text_of(visit("rhea").get(f"/portal/tickets/{asked}/"))
    assert re.findall(r'name="word" value="([a-z]+)"', text) == ["yes", "no"]
    form = {"act": "word", "n": "1", "word": "no", "key": str(uuid4())}
    visit("rhea").post(f"/portal/tickets/{asked}/", form)
    assert answered(asked) == ("no", "rhea")
    assert 'name="word"' not in text_of(visit("rhea").get(f"/portal/tickets/{asked}/"))


@pytest.mark.parametrize(
    "wrong", [{"word": "maybe"}, {"n": "2"}, {"n": "x"}, {"n": "9" * 40}, {"word": ""}, {"n": ""}]
)
def test_another_word_or_question_is_refused_in_words(visit, asked, wrong):
    form = {"act": "word", "n": "1", "word": "no", "key": str(uuid4())} | wrong
    answer = visit("rhea").post(f"/portal/tickets/{asked}/", form)
    assert (answer.status_code, answered(asked)) == (422, ("", ""))
    assert 'role="alert"' in text_of(answer)


def test_a_line_of_the_portal_answers_nothing(visit, asked):
    form = {"act": "answer", "text": "Q1: yes", "key": str(uuid4())}
    visit("rhea").post(f"/portal/tickets/{asked}/", form)
    assert answered(asked) == ("", "")


@pytest.mark.parametrize("name", ["otto", "mia", "lea"])
def test_another_answers_nothing_at_the_portal(visit, asked, name):
    form = {"act": "word", "n": "1", "word": "no", "key": str(uuid4())}
    assert visit(name).post(f"/portal/tickets/{asked}/", form).status_code == 404
    assert answered(asked) == ("", "")


def test_who_asked_does_not_approve(visit, people, catalogue):
    people["rhea"].groups.add(Group.objects.get(name="leads"))
    ref = opened("request", "with_approver")
    assert ref not in text_of(visit("rhea").get("/portal/")).partition("Your tickets")[0]
    visit("rhea").post(f"/portal/tickets/{ref}/", {"act": "ev_approve", "key": str(uuid4())})
    assert Ticket.objects.get(ref=ref).state == "waiting_for_approval"
    assert ref in text_of(visit("lea").get("/portal/")).partition("Your tickets")[0]


def test_the_home_page_asks_as_many_questions_for_many_tickets_as_for_one(
    visit, django_assert_max_num_queries
):
    mia = visit("mia")
    for number in range(30):
        mia.post("/portal/new/", {"title": f"No {number}", "hinders": "later"})
        if number == 18:
            User.objects.filter(username="mia").update(username="mia2")
    with django_assert_max_num_queries(14):
        assert mia.get("/portal/").status_code == 200


# ---------------------------------------------------------------- who may not come in


def test_a_stranger_is_asked_to_log_in_and_comes_back(people):
    guest = Client()
    asked = guest.get("/portal/new/")
    assert asked.headers["Location"] == "/portal/login/?next=%2Fportal%2Fnew%2F"
    form = {"username": "mia", "password": "x", "next": "/portal/new/"}
    assert guest.post("/portal/login/", form).headers["Location"] == "/portal/new/"
    assert (
        Client().post("/portal/login/", {**form, "next": "//evil.example/"}).headers["Location"]
        == "/portal/"
    )


def test_a_forged_link_is_refused_and_on_record(people):
    ref = opened("incident", "")
    good = links.make(ref=ref, person="rhea", by="test")
    for token in (good[:-1] + ("a" if good[-1] != "a" else "b"), "x", "%00", "y" * 4000):
        assert Client().get(f"/portal/l/{token}/").status_code == 404, token
    codes = [code_of(body) for body, _ in told("event.refused_guest")]
    assert codes.count("portal.bad_link") >= 3
    assert good[:-1] not in str(told("event.refused_guest"))


@pytest.mark.parametrize("how", ["expired", "revoked"])
def test_a_link_that_is_good_no_longer_is_refused_and_on_record(people, how, role):
    ref = opened("incident", "")
    token = links.make(ref=ref, person="rhea", by="test")
    guest = Client()
    assert guest.get(f"/portal/l/{token}/", follow=True).status_code == 200
    if how == "revoked":
        assert links.revoke(ref=ref, by="otto") == 1
    else:
        role("owner").execute("UPDATE guests_link SET expires_at = now() - interval '1 s'")
    # Neither a browser that was let in before, nor a new one.
    for answer in (
        guest.get(f"/portal/tickets/{ref}/"),
        guest.post(f"/portal/tickets/{ref}/", {"act": "answer", "text": "x"}, follow=True),
        Client().get(f"/portal/l/{token}/"),
    ):
        assert answer.status_code in {403, 404}
        assert "It hangs" not in text_of(answer)
    assert "portal.spent_link" in {code_of(body) for body, _ in told("event.refused_guest")}
    assert not LogLine.objects.filter(ticket_id=ref, text="x").exists()


def test_a_link_opens_its_own_ticket_alone(people):
    mine, other = opened("incident", ""), opened("incident", "")
    guest = Client()
    guest.get(f"/portal/l/{links.make(ref=mine, person='rhea', by='test')}/")
    assert guest.get(f"/portal/tickets/{mine}/").status_code == 200
    assert guest.get(f"/portal/tickets/{other}/").status_code == 404
    assert guest.get("/portal/").status_code == 302


def test_a_link_for_somebody_else_than_the_requester_opens_nothing(people):
    ref = opened("incident", "")
    guest = Client()
    guest.get(f"/portal/l/{links.make(ref=ref, person='mia', by='test')}/")
    assert guest.get(f"/portal/tickets/{ref}/").status_code == 404


def test_the_secret_of_a_link_is_kept_nowhere(people):
    token = links.make(ref=opened("incident", ""), person="rhea", by="test")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_pending p WHERE strpos(p::text, %s) > 0",
            [token],
        )
        assert cursor.fetchone() == (0,)
    assert token not in str(Link.objects.values())


def test_a_login_called_like_a_card_does_not_come_in(scene):
    client = Client()
    client.force_login(User.objects.create_user("responder"))
    assert client.get("/portal/").status_code == 403


@pytest.mark.usefixtures("one_slot")
def test_guessing_passwords_ends_after_ten(people):
    guest = Client()
    form = {"username": "mia", "password": "wrong"}
    seen = [guest.post("/portal/login/", form).status_code for _ in range(12)]
    assert seen == [422] * 10 + [429] * 2
    right = guest.post("/portal/login/", {**form, "password": "x"})
    assert (right.status_code, int(right.headers["Retry-After"]) > 0) == (429, True)


@pytest.mark.usefixtures("one_slot")
def test_a_program_that_files_is_held_back_and_loses_nothing(visit):
    mia = visit("mia")
    form = {"title": "Again", "hinders": "later", "description": "My long story"}
    seen = [mia.post("/portal/new/", form).status_code for _ in range(bounds.FILE.most)]
    assert set(seen) == {302}
    answer = mia.post("/portal/new/", form)
    assert answer.status_code == 429
    assert "My long story" in text_of(answer)
    assert Ticket.objects.filter(requester="mia").count() == bounds.FILE.most


@pytest.mark.usefixtures("one_slot")
def test_a_flood_of_forged_links_does_not_flood_the_record():
    for _ in range(bounds.LINK.most + 5):
        Client().get(f"/portal/l/{uuid4()}/")
    assert len(told("event.refused_guest")) <= bounds.TOLD.most


def test_another_site_cannot_post_in_a_visitors_name(people):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["mia"])
    form = {"title": "x", "hinders": "later"}
    assert client.post("/portal/new/", form).status_code == 403
    assert not Ticket.objects.filter(requester="mia").exists()


def test_the_command_prints_a_link_that_opens_the_ticket(people, capsys):
    ref = opened("incident", "")
    call_command("portal", "link", ref, "--by", "otto", "--days", "3")
    address = capsys.readouterr().out.strip()
    assert Client().get(address, follow=True).status_code == 200
    (link,) = Link.objects.all()
    assert timedelta(days=2) < link.expires_at - timezone.now() <= timedelta(days=3)
    call_command("portal", "revoke", ref)
    assert Client().get(address, follow=True).status_code == 403
