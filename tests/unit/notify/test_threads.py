"""Mail hangs together by ticket, and what is ours is known as ours."""

import pytest

from ethops.notify import threads

DESK = "desk@example.org"


def test_a_subject_names_its_ticket_once():
    once = threads.subject("INC-00001", "It hangs")
    assert once == "[INC-00001] It hangs"
    assert threads.subject("INC-00001", once) == once
    assert threads.subject("", "Good morning") == "Good morning"


def test_a_reply_finds_its_ticket_by_what_it_refers_to_and_by_its_subject():
    about = threads.of_ticket("REQ-00007", DESK)
    assert threads.refs("Re: hello", f"<a@b> {about} <c@d>", DESK) == ["REQ-00007"]
    assert threads.refs("AW: [INC-00002] hello", "", DESK) == ["INC-00002"]
    assert threads.refs("[INC-00002]", about, DESK) == ["REQ-00007", "INC-00002"]


def test_another_house_s_tickets_are_not_ours():
    assert threads.refs("", "<ticket.INC-00001@elsewhere.example>", DESK) == []


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        (threads.own_id("7f", DESK), True),
        (threads.of_ticket("INC-00001", DESK), True),
        ("<notice.7f@elsewhere.example>", False),
        ("<somebody@example.org>", False),
        ("", False),
        ("<" * 9_000, False),
    ],
)
def test_our_own_messages_are_known(said, ours):
    assert threads.is_own(said, DESK) is ours
