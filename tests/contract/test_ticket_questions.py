"""Questions to people: numbered, answered by one fixed word, by whom it is for."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from adapters.tickets import embedded, questions
from adapters.tickets.beside import Asking
from adapters.tickets.errors import (
    DraftRefusedError,
    NotAllowedError,
    QuestionOverError,
    TicketNotFoundError,
)
from adapters.tickets.port import NOTHING, Note, TicketDraft, Vouched

pytestmark = pytest.mark.django_db
OPERATOR = Vouched(frozenset({"operator"}))
OTTO, RHEA, EVE = (Note("", name, "person") for name in ("otto", "rhea", "eve"))
AGENT = Note("", "incident_responder", "agent", tainted=True)
OWN_WORK = Asking("own_work", "Is somebody at work on it?", ("yes", "no"))
DRAFT = TicketDraft("incident", "It hangs", "", 2, 2, "rhea", "person", requester="rhea")


@pytest.fixture
def ref(role: Any) -> Iterator[str]:
    """A ticket about which one thing is asked; an executor does that, so it is let in here."""
    role("owner").execute("GRANT INSERT ON tickets_question TO ethops_app")
    role("owner").execute("GRANT USAGE ON SEQUENCE tickets_question_id_seq TO ethops_app")
    found = embedded.Writer().open(uuid4(), DRAFT).ref
    questions.ask(key=uuid4(), ref=found, asking=OWN_WORK, note=AGENT)
    yield found
    role("owner").execute("REVOKE INSERT ON tickets_question FROM ethops_app")
    role("owner").execute("REVOKE USAGE ON SEQUENCE tickets_question_id_seq FROM ethops_app")


def answer(ref: str, word: str, note: Note = OTTO, vouched: Vouched = OPERATOR, n: int = 1) -> Any:
    return questions.answer(key=uuid4(), ref=ref, n=n, word=word, note=note, vouched=vouched)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Q1: yes", [(1, "yes")]),
        ("  q1: yes", []),
        ("Q1:YES.", [(1, "yes")]),
        ("I looked.\nQ2: no\nThanks", [(2, "no")]),
        ("Q1: yes, I think", []),
        ("I would say Q1: yes", []),
        ("> Q1: yes", []),
        ("Q1: yes no", []),
        ("Q0: yes", []),
        ("Q1 yes", []),
        ("Q1: \u0443es", []),
        ("Q1: yes\nQ1: no", [(1, "yes"), (1, "no")]),
    ],
)
def test_only_a_line_of_number_and_word_answers(text: str, found: list[tuple[int, str]]) -> None:
    assert list(questions.said_in(text)) == found


def test_a_question_is_numbered_and_the_worklog_says_how_to_answer(ref: str) -> None:
    line = embedded.Reader().worklog(ref)[-1]
    assert line.text.startswith("Q1, to people: Is somebody at work on it?")
    assert line.text.endswith("write Q1: yes or Q1: no.")


def test_an_answer_is_kept_with_who_gave_it(ref: str) -> None:
    answer(ref, "no")
    (one,) = questions.of_ticket(ref)
    assert (one.answer, one.answered_by, one.is_open) == ("no", "otto", False)
    assert embedded.Reader().worklog(ref)[-1].text == "Q1: no"


@pytest.mark.parametrize(
    ("note", "vouched", "may"),
    [
        (OTTO, OPERATOR, True),
        (RHEA, NOTHING, True),
        (EVE, NOTHING, False),
        (AGENT, NOTHING, False),
        (Note("", "housekeeping", "rule"), NOTHING, False),
    ],
    ids=["operator", "requester", "another", "agent", "rule"],
)
def test_who_may_answer(ref: str, note: Note, vouched: Vouched, may: bool) -> None:  # noqa: FBT001
    if may:
        answer(ref, "yes", note, vouched)
    else:
        with pytest.raises(NotAllowedError):
            answer(ref, "yes", note, vouched)
    assert questions.of_ticket(ref)[0].is_open is not may


@pytest.mark.parametrize("word", ["maybe", "", "yes\nno", "Yes please"])
def test_another_word_answers_nothing(ref: str, word: str) -> None:
    with pytest.raises(DraftRefusedError):
        answer(ref, word)
    assert questions.of_ticket(ref)[0].is_open


def test_what_was_answered_is_over(ref: str) -> None:
    answer(ref, "yes")
    with pytest.raises(QuestionOverError):
        answer(ref, "no")
    assert questions.of_ticket(ref)[0].answer == "yes"


def test_what_was_withdrawn_is_over(ref: str) -> None:
    assert questions.withdraw(ref) == 1
    with pytest.raises(QuestionOverError):
        answer(ref, "no")


def test_a_question_that_was_not_asked_is_not_found(ref: str) -> None:
    with pytest.raises(TicketNotFoundError):
        answer(ref, "yes", n=2)


def test_the_same_is_not_asked_twice(ref: str) -> None:
    with pytest.raises(DraftRefusedError):
        questions.ask(key=uuid4(), ref=ref, asking=OWN_WORK, note=AGENT)


def test_a_repeated_key_asks_once(ref: str) -> None:
    key, other = uuid4(), Asking("other", "And?", ("yes", "no"))
    said = [questions.ask(key=key, ref=ref, asking=other, note=AGENT).repeated for _ in range(2)]
    assert (said, len(questions.of_ticket(ref))) == ([False, True], 2)


@pytest.mark.parametrize(
    "asking",
    [
        Asking("Own Work", "x", ("yes", "no")),
        Asking("x", "", ("yes", "no")),
        Asking("x", "x", ("yes",)),
        Asking("x", "x", tuple("abcdefg")),
        Asking("x", "x", ("yes", "of course")),
    ],
    ids=["name", "nothing said", "one word", "too many words", "no word"],
)
def test_what_is_no_question_is_not_asked(ref: str, asking: Asking) -> None:
    with pytest.raises(DraftRefusedError):
        questions.ask(key=uuid4(), ref=ref, asking=asking, note=AGENT)
