"""Incidents under a greater one, and what that is called: held by every adapter of tickets."""

from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.tickets.errors import (
    DraftRefusedError,
    KeyReusedError,
    NotAllowedError,
    TicketNotFoundError,
)
from adapters.tickets.port import Note, Vouched
from tests.contract.test_tickets import CHANGE, DRAFT, RULE_NOTE, Desk, desk

__all__ = ["desk"]

pytestmark = pytest.mark.django_db

OPERATOR = Vouched(frozenset({"operator"}))


def pair(desk: Desk) -> tuple[str, str]:
    """Two incidents."""
    return desk.open(DRAFT), desk.open(replace(DRAFT, cause_key="another"))


def test_an_incident_is_put_under_another(desk: Desk) -> None:
    small, great = pair(desk)
    deed = desk.writer.adopt(uuid4(), small, great, RULE_NOTE)
    assert (deed.outcome, desk.reader.get(small).parent_ref) == ("adopted", great)
    assert [one.ref for one in desk.reader.children(great)] == [small]


def test_its_worklog_says_so(desk: Desk) -> None:
    small, great = pair(desk)
    desk.writer.adopt(uuid4(), small, great, RULE_NOTE)
    assert desk.reader.worklog(small)[-1].text == f"Belongs to {great}."


def test_a_key_adopts_once(desk: Desk) -> None:
    small, great = pair(desk)
    key = uuid4()
    desk.writer.adopt(key, small, great, RULE_NOTE)
    assert desk.writer.adopt(key, small, great, RULE_NOTE).repeated
    with pytest.raises(KeyReusedError):
        desk.writer.adopt(key, great, small, RULE_NOTE)


def test_none_stands_under_itself(desk: Desk) -> None:
    small, _ = pair(desk)
    with pytest.raises(DraftRefusedError):
        desk.writer.adopt(uuid4(), small, small, RULE_NOTE)


def test_two_do_not_stand_under_each_other(desk: Desk) -> None:
    small, great = pair(desk)
    third = desk.open(replace(DRAFT, cause_key="third"))
    desk.writer.adopt(uuid4(), small, great, RULE_NOTE)
    desk.writer.adopt(uuid4(), great, third, RULE_NOTE)
    with pytest.raises(DraftRefusedError) as refused:
        desk.writer.adopt(uuid4(), third, small, RULE_NOTE)
    assert set(refused.value.errors) == {"parent"}


def test_only_incidents_have_families(desk: Desk) -> None:
    small, _ = pair(desk)
    change = desk.open(CHANGE)
    with pytest.raises(DraftRefusedError):
        desk.writer.adopt(uuid4(), small, change, RULE_NOTE)


def test_a_parent_must_be_there(desk: Desk) -> None:
    small, _ = pair(desk)
    with pytest.raises(TicketNotFoundError):
        desk.writer.adopt(uuid4(), small, "INC-99999", RULE_NOTE)


@pytest.mark.parametrize("note", [Note("", "triage", "agent"), Note("", "ada", "person")])
def test_agents_and_requesters_sort_no_tickets(desk: Desk, note: Note) -> None:
    small, great = pair(desk)
    with pytest.raises(NotAllowedError):
        desk.writer.adopt(uuid4(), small, great, note)
    with pytest.raises(NotAllowedError):
        desk.writer.retitle(uuid4(), small, "Mine", note)


def test_an_operator_may(desk: Desk) -> None:
    small, great = pair(desk)
    desk.writer.adopt(uuid4(), small, great, Note("", "ada", "person"), OPERATOR)
    assert desk.reader.get(small).parent_ref == great


def test_a_ticket_is_called_something_else(desk: Desk) -> None:
    small, _ = pair(desk)
    desk.writer.retitle(uuid4(), small, "Power\nfails", RULE_NOTE)
    assert desk.reader.get(small).title == "Power fails"
    assert desk.reader.worklog(small)[-1].text == f"Was called: {DRAFT.title}"


def test_no_ticket_is_without_a_title(desk: Desk) -> None:
    small, _ = pair(desk)
    with pytest.raises(DraftRefusedError) as refused:
        desk.writer.retitle(uuid4(), small, " \n", RULE_NOTE)
    assert set(refused.value.errors) == {"title"}
