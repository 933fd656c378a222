"""Questions that nobody answers: withdrawn in time, so that a person is called."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from adapters import registry
from adapters.tickets import questions
from adapters.tickets.beside import Asking
from adapters.tickets.models import Question
from adapters.tickets.port import Note, TicketDraft, Vouched
from audit.models import Work
from ethops.desk import asking
from personas.models import Action
from tests.conftest import point_django

OPERATOR = Vouched(frozenset({"operator"}))


@pytest.fixture
def ask(clean_db, servers, database_name):
    """`ask(hours=9)`: a ticket about which people were asked so long ago."""

    def make(*, hours):
        draft = TicketDraft("incident", "It hangs", "", 2, 2, "intake", "rule")
        ref = registry.writer("tickets").open(uuid4(), draft, OPERATOR).ref
        point_django(servers, database_name, "ethops_executor")
        questions.ask(
            key=uuid4(), ref=ref, asking=Asking("is_meant", "Is it meant?", ("yes", "no")),
            note=Note("", "incident_responder", "agent"),
        )  # fmt: skip
        point_django(servers, database_name, "ethops_app")
        Question.objects.filter(ticket_id=ref).update(
            asked_at=timezone.now() - timedelta(hours=hours)
        )
        return ref

    return make


def waits(ref):
    return questions.of_ticket(ref)[0].is_open


def last_line(ref):
    return registry.reader("tickets").worklog(ref)[-1].text


def wakes(ref):
    return Work.objects.filter(
        kind="dispatch", subject=ref, payload__why="questions: nobody answered"
    ).count()


def test_what_nobody_answers_within_eight_hours_is_withdrawn(ask):
    early, late = ask(hours=7.9), ask(hours=8.1)
    assert asking.expire() == 1
    assert (waits(early), waits(late)) == (True, False)
    assert last_line(late) == "Nobody has answered Q1 within 8 h."


def test_the_site_may_say_how_long(ask, role):
    role("owner").execute(
        "INSERT INTO autonomy_policy (name, value) VALUES ('question_hours', 2)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    early, late = ask(hours=1.9), ask(hours=2.1)
    assert asking.expire() == 1
    assert (waits(early), waits(late)) == (True, False)
    assert last_line(late) == "Nobody has answered Q1 within 2 h."


def test_the_dispatcher_is_woken_once(ask):
    ref = ask(hours=9)
    assert [asking.expire(), asking.expire()] == [1, 0]
    assert wakes(ref) == 1


def test_what_was_answered_stays_answered(ask):
    ref = ask(hours=9)
    questions.answer(
        key=uuid4(), ref=ref, n=1, word="yes", note=Note("", "ada", "person"), vouched=OPERATOR
    )
    assert asking.expire() == 0
    assert questions.of_ticket(ref)[0].answer == "yes"


def test_people_are_told_once_of_what_is_asked(ask, settings, tmp_path):
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(
        json.dumps({"notify": {"kind": "http", "url": "http://all.example/"}})
    )
    ticket = registry.reader("tickets").get(ask(hours=0))
    asking.tell(ticket)
    asking.tell(ticket)
    (args,) = Action.objects.filter(principal="rule:question").values_list("args", flat=True)
    assert args["title"] == f"{ticket.ref} asks you: Is it meant?"
    assert "`Q1: yes`, `Q1: no`" in args["text"]
