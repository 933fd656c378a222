"""Working together on a ticket, over the API and the page: files, watchers, questions, majors."""

import json
import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from adapters.tickets import embedded, majors, questions
from adapters.tickets.beside import Asking
from adapters.tickets.port import Note, TicketDraft, Vouched
from audit.models import Work
from tests.integration.api.conftest import api_of

OPERATOR = Vouched(frozenset({"operator"}))
PAGE = b"<script>alert(1)</script>"


@pytest.fixture
def ref():
    draft = TicketDraft("incident", "It hangs", "", 2, 2, "intake", "rule", ("web-01",))
    return embedded.Writer().open(uuid4(), draft, OPERATOR).ref


@pytest.fixture
def asked(ref, as_executor):
    """A ticket about which its agent has asked people whether the CI is meant."""
    asking = Asking("is_meant", "Is it meant?", ("yes", "no"))
    note = Note("", "incident_responder", "agent")
    with as_executor():
        questions.ask(key=uuid4(), ref=ref, asking=asking, note=note)
    return ref


@pytest.fixture
def act(api, ref):
    """`act("watchers", who="bo")`: status and document of a POST below the ticket."""

    def post(path, **said):
        answer = api.post(f"/api/v1/tickets/{ref}/{path}", said, format="json")
        return answer.status_code, answer.json()

    return post


@pytest.fixture
def press(desk, ref):
    """`press("watch", who="bo")`: what the page answers where somebody presses that."""

    def post(act, **said):
        return desk.post(f"/tickets/{ref}/", {"act": act, "key": str(uuid4()), **said})

    return post


def code(answer):
    status, said = answer
    return status, said["code"]


def sent(name="log.txt", content=b"one line\n", media_type="text/plain"):
    return SimpleUploadedFile(name, content, media_type)


def attach(api, ref, file=None, **more):
    said = {"file": file, **more} if file else more
    answer = api.post(f"/api/v1/tickets/{ref}/attachments", said, format="multipart")
    return answer.status_code, answer.json()


# ---------------------------------------------------------------- who is let in


DOORS = [
    ("get", "attachments"), ("post", "attachments"), ("get", "attachments/1"), ("get", "watchers"),
    ("post", "watchers"), ("post", "watchers/remove"), ("get", "questions"),
    ("post", "questions/1/answer"), ("post", "major"), ("post", "adopt"), ("get", "review"),
]  # fmt: skip
each_door = pytest.mark.parametrize(("verb", "path"), DOORS)


@each_door
def test_who_is_not_of_the_desk_comes_in_at_no_door(cy, ref, verb, path):
    assert getattr(api_of(cy), verb)(f"/api/v1/tickets/{ref}/{path}").status_code == 403


@each_door
def test_nobody_comes_in_at_no_door(ref, verb, path):
    assert getattr(APIClient(), verb)(f"/api/v1/tickets/{ref}/{path}").status_code == 401


@pytest.mark.parametrize("path", ["attachments/1/", "review/"])
def test_who_is_not_of_the_desk_sees_no_page(cy, ref, path):
    client = Client()
    client.force_login(cy)
    assert client.get(f"/tickets/{ref}/{path}").status_code == 302


# ---------------------------------------------------------------- files


def test_a_file_comes_back_as_it_was_sent(api, ref):
    status, said = attach(api, ref, sent(content=bytes(range(256))))
    answer = api.get(f"/api/v1/tickets/{ref}/attachments/{said['line']}")
    assert (status, said["outcome"], answer.content) == (201, "attached", bytes(range(256)))


def test_the_list_says_what_a_file_is_and_who_may_see_it(api, ref):
    attach(api, ref, sent(), visibility="private")
    (one,) = api.get(f"/api/v1/tickets/{ref}/attachments").json()
    shown = one["name"], one["media_type"], one["size"], one["by"], one["visibility"]
    assert shown == ("log.txt", "text/plain", 9, "ada", "private")


@pytest.mark.parametrize(
    "door", ["/api/v1/tickets/{}/attachments/{}", "/tickets/{}/attachments/{}/"]
)
def test_a_browser_runs_nothing_of_a_file(api, desk, ref, door):
    _, said = attach(api, ref, sent("page.html", PAGE, "text/html"))
    client = api if door.startswith("/api") else desk
    answer = client.get(door.format(ref, said["line"]))
    assert answer.content == PAGE
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_name_breaks_no_header(api, ref):
    _, said = attach(api, ref, sent('a";b\u202ec\u00e4.txt'))
    answer = api.get(f"/api/v1/tickets/{ref}/attachments/{said['line']}")
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9_.]+"', answer["Content-Disposition"])


def test_a_file_too_large_or_none_at_all_is_refused_in_words(api, ref, settings):
    settings.ETHOPS_ATTACHMENT_MIB = 1
    large = attach(api, ref, sent(content=b"x" * (1024 * 1024 + 1)))
    assert code(large) == (422, "tickets.file_refused")
    assert code(attach(api, ref)) == (400, "request.invalid")
    assert embedded.Reader().attachments(ref) == ()


def test_a_file_that_is_not_there_is_not_found(api, desk, ref):
    assert api.get(f"/api/v1/tickets/{ref}/attachments/9").status_code == 404
    assert desk.get(f"/tickets/{ref}/attachments/9/").status_code == 404


def test_the_page_keeps_a_file(desk, ref):
    said = {"file": sent(), "private": "on", "key": str(uuid4())}
    answer = desk.post(f"/tickets/{ref}/attachments/", said, follow=True)
    (one,) = embedded.Reader().attachments(ref)
    assert (one.name, one.visibility) == ("log.txt", "private")
    assert f"{ref} keeps log.txt now." in answer.content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [({}, "Choose a file."), ({"file": sent(content=b"")}, "This file is empty.")],
    ids=["none", "empty"],
)
def test_the_page_says_why_it_keeps_no_file(desk, ref, said, words):
    form = {**said, "key": str(uuid4())}
    answer = desk.post(f"/tickets/{ref}/attachments/", form, follow=True)
    assert f"Not done: {words}" in answer.content.decode()
    assert embedded.Reader().attachments(ref) == ()


def test_a_file_for_a_ticket_that_is_not_there_is_not_found(api, desk):
    assert attach(api, "INC-99999", sent())[0] == 404
    said = {"file": sent(), "key": str(uuid4())}
    assert desk.post("/tickets/INC-99999/attachments/", said).status_code == 404


# ---------------------------------------------------------------- watchers


def watchers(ref):
    return [one.person or one.address for one in embedded.Reader().watchers(ref)]


def test_who_says_nobody_means_himself(act, ref):
    assert (act("watchers")[0], watchers(ref)) == (200, ["ada"])


def test_logins_and_addresses_watch_until_they_are_taken_away(act, ref, bo):
    act("watchers", who="bo")
    act("watchers", who="mia@example.org")
    before = watchers(ref)
    act("watchers/remove", who="bo")
    assert (before, watchers(ref)) == (["bo", "mia@example.org"], ["mia@example.org"])


def test_the_list_says_why_somebody_watches(api, act, ref):
    act("watchers")
    found = api.get(f"/api/v1/tickets/{ref}/watchers").json()
    assert found == [{"person": "ada", "address": "", "why": "asked"}]


def test_nobody_is_called_so(act, press, ref):
    assert code(act("watchers", who="nobody")) == (422, "tickets.draft_refused")
    press("watch", who="nobody")
    assert watchers(ref) == []


def test_the_page_adds_and_takes_away(press, ref, bo):
    press("watch", who="bo")
    before = watchers(ref)
    press("unwatch", who="bo")
    assert (before, watchers(ref)) == (["bo"], [])


# ---------------------------------------------------------------- questions


def wakes(ref):
    return Work.objects.filter(kind="dispatch", subject=ref, payload__why="ada: answered Q1")


def answered(ref):
    (one,) = questions.of_ticket(ref)
    return one.answer, one.answered_by


def test_the_list_says_what_is_asked(api, asked):
    (one,) = api.get(f"/api/v1/tickets/{asked}/questions").json()
    assert (one["n"], one["answers"], one["is_open"]) == (1, ["yes", "no"], True)


def test_one_word_answers_and_wakes_the_dispatcher(asked, act):
    status, said = act("questions/1/answer", word="yes")
    assert (status, said["outcome"], answered(asked)) == (200, "answered", ("yes", "ada"))
    assert wakes(asked).count() == 1


def test_a_button_of_the_page_answers(asked, press, desk):
    assert "Answer Q1: no" in desk.get(f"/tickets/{asked}/").content.decode()
    press("answer", n=1, word="no")
    assert answered(asked) == ("no", "ada")
    assert "Answer Q1: no" not in desk.get(f"/tickets/{asked}/").content.decode()


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_note_of_number_and_word_answers(asked, act, visibility):
    act("comment", text="I looked.\nQ1: yes", visibility=visibility)
    assert (answered(asked), wakes(asked).count()) == (("yes", "ada"), 1)


def test_another_word_and_a_second_answer_are_refused(asked, act):
    another = act("questions/1/answer", word="perhaps")
    act("questions/1/answer", word="yes")
    second = act("questions/1/answer", word="no")
    assert [code(another), code(second)] == [
        (422, "tickets.draft_refused"), (409, "tickets.question_over"),
    ]  # fmt: skip
    assert answered(asked) == ("yes", "ada")


def test_what_nobody_has_asked_is_not_found(act):
    assert code(act("questions/1/answer", word="yes")) == (404, "tickets.not_found")


def test_a_second_press_answers_once(asked, act):
    key = str(uuid4())
    said = [act("questions/1/answer", word="yes", key=key)[1]["repeated"] for _ in range(2)]
    assert (said, wakes(asked).count()) == ([False, True], 1)


# ---------------------------------------------------------------- major incidents


def test_a_major_incident_from_its_beginning_to_its_end(act, ref, bo):
    acts = [
        act("major", act="declare", why="All is down."), act("major", act="lead", lead="bo"),
        act("major", act="end"),
    ]  # fmt: skip
    found = majors.of_ticket(ref)
    assert [said["outcome"] for _, said in acts] == ["declared", "led", "ended"]
    assert (found.lead, found.criteria, found.ended_by) == ("bo", ("All is down.",), "ada")


def test_what_cannot_be_said_of_a_major_incident_is_refused(act, cy):
    assert code(act("major", act="end")) == (409, "tickets.move_refused")
    assert code(act("major", act="declare")) == (422, "tickets.draft_refused")
    assert code(act("major", act="declare", why="x", lead="cy")) == (422, "tickets.draft_refused")
    assert code(act("major", act="close")) == (400, "request.invalid")
    act("major", act="declare", why="x")
    assert code(act("major", act="declare", why="x")) == (409, "tickets.move_refused")


def test_the_page_declares_leads_and_ends(press, desk, ref):
    press("major", why="All is down.")
    during = desk.get(f"/tickets/{ref}/").content.decode()
    press("end_major")
    after = desk.get(f"/tickets/{ref}/").content.decode()
    assert "Agents only look here, and tell." in during
    assert "Agents only look here, and tell." not in after
    assert majors.of_ticket(ref).is_over


def test_whoever_else_is_of_the_desk_may_lead(press, bo, ref):
    press("major", why="All is down.")
    client = Client()
    client.force_login(bo)
    client.post(f"/tickets/{ref}/", {"act": "lead", "key": str(uuid4())})
    assert majors.of_ticket(ref).lead == "bo"


@pytest.mark.parametrize(("what", "field"), [("major", "why"), ("watch", "who")])
def test_a_form_with_nothing_in_it_says_so_beside_the_field(press, ref, what, field):
    answer = press(what)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in text
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', text)
    assert (majors.of_ticket(ref), watchers(ref)) == (None, [])


def test_a_part_says_of_what_it_is_one(act, api, desk, ref):
    other = TicketDraft("incident", "All hangs", "", 1, 1, "intake", "rule")
    parent = embedded.Writer().open(uuid4(), other, OPERATOR).ref
    api.post(f"/api/v1/tickets/{parent}/major", {"act": "declare", "why": "x"}, format="json")
    assert act("adopt", part_of=parent)[1]["outcome"] == "adopted"
    text = desk.get(f"/tickets/{ref}/").content.decode()
    assert f'It is a part of <a href="/tickets/{parent}/">{parent}</a>.' in text


@pytest.mark.parametrize("part_of", ["INC-99999", "itself"])
def test_it_is_a_part_of_nothing_that_is_not_there_nor_of_itself(act, ref, part_of):
    status, _ = act("adopt", part_of=ref if part_of == "itself" else part_of)
    assert status in {404, 409, 422}
    assert embedded.Reader().get(ref).parent_ref is None


def test_the_review_is_one_document_at_every_door(act, api, desk, ref):
    act("major", act="declare", why="All is <down>.")
    said = api.get(f"/api/v1/tickets/{ref}/review").json()
    page = desk.get(f"/tickets/{ref}/review/").content.decode()
    file = desk.get(f"/tickets/{ref}/review/?markdown")
    assert said["facts"]["Because"] == "All is <down>."
    assert "<dt>Because</dt><dd>All is &lt;down&gt;.</dd>" in page
    assert file["Content-Disposition"] == f'attachment; filename="{ref}-review.md"'
    assert "All is \\<down\\>." in file.content.decode()
    assert json.dumps(said["timeline"]).count(ref) >= 1


def test_what_never_was_a_major_incident_has_no_review(api, desk, ref):
    assert api.get(f"/api/v1/tickets/{ref}/review").status_code == 404
    assert desk.get(f"/tickets/{ref}/review/").status_code == 404
