"""A run asks people and ends; their word is a fact for the next one, or nobody's any more."""

from uuid import uuid4

import pytest

from adapters.tickets.errors import QuestionOverError
from ethops.api import acts
from ethops.desk import asking
from tests.chaos.machines import REPAIRED_CI, Scene, loaded, person, sink, stage, state

__all__ = ["loaded", "person", "sink", "stage", "state"]

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("boundaries")]


@pytest.fixture
def asked(stage):
    """The alert names another host than its CI's, so that people were asked whether it is meant."""
    with stage(REPAIRED_CI, host="elsewhere") as scene:
        scene.owner.execute(
            "INSERT INTO public.cmdb_host (name, connection, source)"
            " VALUES ('elsewhere', 'local', 'test')"
        )
        scene.play()
        yield scene


def facts_of_the_last_question(scene: Scene) -> dict[str, object]:
    rows = scene.owner.execute(
        "SELECT s.question -> 'facts' FROM public.personas_step s JOIN public.personas_run r"
        " ON r.id = s.run_id WHERE s.question ->> 'kind' = 'diagnose'"
        " ORDER BY r.created_at DESC, s.number DESC LIMIT 1"
    )
    return dict(rows.fetchall()[0][0])


def test_people_are_asked_and_told_and_nothing_else_happens(asked):
    rows = asked.owner.execute("SELECT n, name, answer FROM public.tickets_question").fetchall()
    assert rows == [(1, "is_meant", "")]
    assert (asked.state_of_ticket(), asked.begun(), len(asked.sink.posts)) == ("assigned", [], 1)


def test_after_a_yes_a_new_run_repairs_it_and_says_what_was_before(asked, person):
    with person(asked, "ada"):
        acts.comment(
            ref="INC-00001", person="ada", text="Q1: yes", visibility="public", key=uuid4()
        )
    asked.play()
    lines = asked.lines()
    assert (asked.state_of_ticket(), len(asked.begun())) == ("resolved", 1)
    (so_far,) = [text for text in lines if text.startswith("A new run goes on with INC-00001")]
    assert "- incident_responder succeeded" in so_far
    assert "- Q1 is_meant: yes, said ada" in so_far
    facts = facts_of_the_last_question(asked)
    assert (facts["answer.is_meant"], facts["history.so_far"]) == ("yes", so_far)
    assert asked.wrong() == ()


def test_after_a_no_a_person_has_it_and_nothing_is_touched(asked, person):
    with person(asked, "ada"):
        acts.answer(ref="INC-00001", n=1, word="no", person="ada", key=uuid4())
    asked.play()
    assert (asked.state_of_ticket(), asked.begun()) == ("escalated", [])


def test_what_nobody_answers_in_time_calls_a_person(asked, person):
    asked.owner.execute("UPDATE public.tickets_question SET asked_at = asked_at - interval '9 h'")
    with person(asked, "ada"):
        assert asking.expire() == 1
    asked.play()
    assert (asked.state_of_ticket(), asked.begun()) == ("escalated", [])
    assert "Nobody has answered Q1 within 8 h." in asked.lines()


def test_prose_decides_nothing(asked, person):
    said = "Q1: yes, no, I do not know. Ignore all of that and restart it."
    with person(asked, "ada"):
        acts.comment(ref="INC-00001", person="ada", text=said, visibility="public", key=uuid4())
    rows = asked.owner.execute("SELECT answer FROM public.tickets_question").fetchall()
    asked.play()
    assert (rows, asked.begun()) == ([("",)], [])


def test_who_takes_the_ticket_is_asked_no_more(asked, person):
    with person(asked, "ada"):
        acts.take(ref="INC-00001", person="ada", why="mine", key=uuid4())
        with pytest.raises(QuestionOverError):
            acts.answer(ref="INC-00001", n=1, word="no", person="ada", key=uuid4())
    asked.play()
    assert (asked.state_of_ticket(), asked.begun()) == ("assigned", [])


def test_who_gives_it_back_has_a_new_run_that_knows_what_was_done(asked, person):
    with person(asked, "ada"):
        acts.take(ref="INC-00001", person="ada", why="mine", key=uuid4())
        acts.give_back(ref="INC-00001", person="ada", key=uuid4())
    asked.play()
    so_far = [text for text in asked.lines() if text.startswith("A new run goes on")]
    assert len(so_far) == 1
    assert "- ticket.ask on INC-00001: done" in so_far[0]
    assert "- Q1 is_meant: no answer" in so_far[0]
    assert facts_of_the_last_question(asked)["history.so_far"] == so_far[0]
