"""Writes to one ticket in an iTop that loses, refuses and is away: none is lost, none is twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction

from adapters.tickets.beside import File
from adapters.tickets.errors import MoveRefusedError, TicketError
from adapters.tickets.itop import backlog, desk, locks, marks
from adapters.tickets.itop.errors import (
    ItopBusyError,
    ItopReadOnlyError,
    ItopTooLargeError,
    ItopValueError,
)
from adapters.tickets.itop.models import Mirrored, Waiting
from adapters.tickets.itop.session import session
from adapters.tickets.port import Note, TicketDraft
from tests.doubles.itop.house import House
from tests.doubles.itop.server import DENIED, Fault, Refusal

DRAFT = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
RULE = Note("", "intake", "rule")
WRITERS, LINES = 8, 200
READ_ONLY = (
    "Error: Failed to issue SQL query: query = UPDATE `ticket` (...), mysql_errno = 1290,"
    " mysql_error = The MySQL server is running with the --read-only option"
)
TOO_LONG = "a_state_that_no_row_of_ours_keeps_" * 2
db = pytest.mark.django_db


def opened() -> str:
    return desk.Writer().open(uuid4(), DRAFT).ref


def say(ref: str, text: str, key: UUID | None = None) -> None:
    desk.Writer().comment(key or uuid4(), ref, Note(text, "triage", "agent"))


def lines(house: House) -> list[str]:
    return [line.partition("\n")[0] for line in house.log("Incident")]


def at_once(act: Callable[[int], Any], n: int) -> list[Any]:
    def alone(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(alone, range(n)))


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits after an outage: each write tries for itself."""
    monkeypatch.setattr(backlog, "is_quiet", lambda: False)


def test_200_lines_at_once_are_all_there(clean_db: None, house: House) -> None:
    ref = opened()
    house.itop.gap_s = 0.002
    at_once(lambda n: say(ref, f"line {n}"), LINES)
    told = [line for line in lines(house) if line.startswith("line ")]
    assert sorted(told) == sorted(f"line {n}" for n in range(LINES))
    assert not Waiting.objects.exists()


@db
def test_a_ticket_closed_there_is_not_moved_here(house: House) -> None:
    ref = opened()
    house.object("Incident")["status"] = "closed"
    with pytest.raises(MoveRefusedError):
        desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)
    assert (desk.Reader().get(ref).state, house.itop.stimuli) == ("closed", [])


@db
def test_a_line_of_a_person_is_taken_over_once(house: House) -> None:
    ref = opened()
    entry = {"message": "I look at it.", "user_login": "Claude Monet", "date": "", "user_id": "7"}
    house.object("Incident")["public_log"]["entries"].append(entry)
    say(ref, "one")
    say(ref, "two")
    told = [line for line in desk.Reader().worklog(ref) if line.author == "Claude Monet"]
    assert [(line.text, line.tainted) for line in told] == [("I look at it.", True)]


@db
def test_what_itop_has_due_is_read(house: House) -> None:
    ref = opened()
    house.object("Incident")["ttr_escalation_deadline"] = "2026-03-02 05:00:00"
    desk.refresh(ref)
    due = desk.Reader().get(ref).ttr_due_at
    assert due is not None
    assert due.isoformat() == "2026-03-02T05:00:00+00:00"


@db
def test_nobody_is_assigned_where_itop_would_take_nobody(house: House) -> None:
    ref = opened()
    desk.Writer().move(uuid4(), ref, "ev_assign", {"team": "responders"}, RULE)
    kept = house.object("Incident")
    assert (kept["status"], kept["team_id"], kept["agent_id"]) == (
        *("assigned", house.team, house.agent),
    )


@db
def test_each_write_says_whose_it_is_and_no_line_is_dated(house: House) -> None:
    key = uuid4()
    say(opened(), "one", key)
    assert f"key={key}" in house.itop.comments[-1]
    assert "by=agent:triage" in house.itop.comments[-1]


@db
def test_what_was_rolled_back_here_is_not_written_twice_there(house: House) -> None:
    ref, key = opened(), uuid4()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        say(ref, "once", key)
        raise ZeroDivisionError
    say(ref, "once", key)
    assert lines(house).count("once") == 1


@db
def test_a_ticket_is_opened_once_though_the_answer_was_lost(house: House) -> None:
    house.itop.faults.append("html")
    key = uuid4()
    ref = desk.Writer().open(key, DRAFT).ref
    assert Mirrored.objects.get(ticket_id=ref).itop_id is None
    house.itop.faults.clear()
    backlog.drain_all(session())
    assert len(house.objects("Incident")) == 1
    assert Mirrored.objects.get(ticket_id=ref).itop_id == house.object("Incident")["id"]


@db
@pytest.mark.parametrize("fault", ["html", "half", "empty_500", "done_then_cut", "hung_up"])
def test_where_itop_answers_nonsense_writes_wait_in_turn(
    house: House, away: None, fault: Fault
) -> None:
    ref = opened()
    for text in ("one", "two", "three"):
        house.itop.faults[:] = [fault] * 4
        say(ref, text)
    house.itop.faults.clear()
    drained = backlog.drain_all(session())
    assert (drained.refused, drained.waiting) == (0, 0)
    assert lines(house)[1:] == ["one", "two", "three"]


@db
def test_work_goes_on_while_itop_is_away(house: House, settings: Any) -> None:
    ref = opened()
    here = settings.ADAPTERS
    settings.ADAPTERS = {**here, "tickets": house.settings(url="http://127.0.0.1:9")}
    say(ref, "one")
    desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)
    assert (desk.Reader().get(ref).state, Waiting.objects.count()) == ("resolved", 2)
    settings.ADAPTERS = here
    assert backlog.drain_all(session()).told == 2
    assert (house.object("Incident")["status"], lines(house)[1]) == ("resolved", "one")


@db
def test_a_move_that_waited_too_long_gives_way_to_a_person(house: House, settings: Any) -> None:
    ref = opened()
    here = settings.ADAPTERS
    settings.ADAPTERS = {**here, "tickets": house.settings(url="http://127.0.0.1:9")}
    desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)
    house.object("Incident")["status"] = "closed"
    settings.ADAPTERS = here
    assert backlog.drain_all(session()).refused == 1
    assert desk.Reader().get(ref).state == "closed"


@db
def test_a_move_that_itop_refuses_is_made_nowhere(house: House) -> None:
    ref = opened()
    house.object("Incident")["org_id"] = house.org
    house.itop.objects[house.agent]["friendlyname"] = "Ethops"
    house.object("Incident")["status"] = "of this site"
    with pytest.raises(TicketError):
        desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)
    assert desk.Reader().get(ref).state == "new"


@db
def test_a_solution_is_whole_there_whatever_is_written_in_it(house: House) -> None:
    ref, said = opened(), "Set <none> & restarted: a<b.\nThen it answered."
    desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": said}, RULE)
    assert marks.read(house.object("Incident")["solution"]) == said
    assert desk.refresh(ref) is not None
    assert desk.Reader().get(ref).solution == said


@db
@pytest.mark.parametrize("char", ["x", "&", "😀", "\n", "<"])
def test_a_description_that_is_too_long_there_is_cut_and_the_ticket_opened(
    house: House, char: str
) -> None:
    draft = replace(DRAFT, description=f"It hangs.{char * 19_980}.")
    ref = desk.Writer().open(uuid4(), draft).ref
    kept = house.object("Incident")["description"]
    assert kept.startswith("<p>It hangs.")
    assert len(marks.keys_in(kept)) == 1
    assert desk.Reader().get(ref).description == draft.description


@db
def test_what_a_person_types_is_text_and_no_tags(house: House) -> None:
    ref = opened()
    kept = house.object("Incident")
    kept["title"] = "Shop <prod> & co: a<b"
    kept["public_log"]["entries"].append(
        {"message": "if a<b and c>d &amp; e", "user_login": "Claude Monet", "user_id": "7"}
    )
    desk.refresh(ref)
    assert desk.Reader().get(ref).title == "Shop <prod> & co: a<b"
    assert "if a<b and c>d &amp; e" in [one.text for one in desk.Reader().worklog(ref)]


@db
def test_a_person_is_known_by_the_whole_name(house: House) -> None:
    ref = opened()
    claude = house.itop.add("Person", name="Monet", friendlyname="Claude Monet", org_id=house.org)
    house.itop.add("Person", name="Monet", friendlyname="Camille Monet", org_id=house.org)
    house.object("Incident").update(status="pending", agent_id=str(claude), team_id="1")
    desk.refresh(ref)
    assert desk.Reader().get(ref).assignee == "Claude Monet"
    desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)
    assert house.object("Incident")["agent_id"] == claude


@db
def test_while_itop_takes_no_writes_they_wait(house: House, away: None) -> None:
    ref = opened()
    house.itop.closed = True
    say(ref, "one")
    new = opened()
    assert Waiting.objects.count() == 2
    assert isinstance(backlog.drain_all(session()).fault, ItopReadOnlyError)
    house.itop.closed = False
    assert (backlog.drain_all(session()).told, Waiting.objects.count()) == (2, 0)
    assert Mirrored.objects.get(ticket_id=new).itop_id is not None


@db
def test_what_stops_one_ticket_stops_no_other(house: House, away: None) -> None:
    refs = [opened() for _ in range(backlog.PATIENCE + 2)]
    ids = [str(Mirrored.objects.get(ticket_id=ref).itop_id) for ref in refs]
    house.itop.faults[:] = ["html"] * len(refs)
    for ref in refs:
        say(ref, f"of {ref}")
    # As many as one look bears are never answered, and were there first.
    house.itop.broken.update(ids[: backlog.PATIENCE])
    first, second = backlog.drain_all(session()), backlog.drain_all(session())
    assert (first.told, second.told) == (0, 2)
    assert set(Waiting.objects.values_list("mirrored_id", flat=True)) == {*refs[: backlog.PATIENCE]}


@db
@pytest.mark.parametrize("fault", ["empty_500", "done_then_cut"])
def test_a_file_is_there_once_whichever_answer_is_lost(
    house: House, away: None, fault: Fault
) -> None:
    ref, names = opened(), [f"{n}.txt" for n in range(6)]
    for n, name in enumerate(names):
        house.itop.faults[:] = [*[None] * n, fault]
        desk.Writer().attach(uuid4(), ref, File(name, "text/plain", b"a"), RULE)
        house.itop.faults.clear()
        backlog.drain_all(session())
    there = house.objects("Attachment")
    assert [one["contents"]["filename"] for one in there] == names
    assert {one["item_id"] for one in there} == {house.object("Incident")["id"]}
    assert lines(house)[1:] == [f"Attached {name}, 1 bytes." for name in names]


@db
@pytest.mark.parametrize("trouble", ["held", "not kept"])
def test_a_ticket_that_others_hold_or_we_cannot_keep_stops_no_other(
    house: House, away: None, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    odd, other = opened(), opened()
    for ref in (odd, other):
        house.itop.faults.append("html")
        say(ref, "one")
    locked = locks.locked

    def held(ref: str) -> Mirrored | None:
        if ref == odd:
            raise ItopBusyError(ref)
        return locked(ref)

    if trouble == "held":
        monkeypatch.setattr(locks, "locked", held)
    else:
        house.objects("Incident")[0]["status"] = TOO_LONG
    assert backlog.drain_all(session()).told == 1
    assert Waiting.objects.get().mirrored_id == odd


@db
def test_a_write_to_a_ticket_that_we_cannot_keep_waits_and_is_made_here(house: House) -> None:
    ref = opened()
    house.object("Incident")["status"] = TOO_LONG
    say(ref, "one")
    assert "not kept here" in Waiting.objects.get().error
    house.object("Incident")["status"] = "new"
    assert backlog.drain_all(session()).told == 1
    assert lines(house)[1:] == ["one"]


@db
def test_a_file_is_attached_once_though_its_line_is_not_told_for_long(
    house: House, away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = opened()
    with monkeypatch.context() as full:
        full.setattr(house.itop, "_update", Mock(side_effect=Refusal(100, READ_ONLY)))
        desk.Writer().attach(uuid4(), ref, File("a.txt", "text/plain", b"a"), RULE)
        assert backlog.drain_all(session()).waiting == 1
    assert backlog.drain_all(session()).told == 1
    assert len(house.objects("Attachment")) == 1
    assert lines(house).count("Attached a.txt, 1 bytes.") == 1


@db
def test_a_file_that_is_too_large_there_is_kept_nowhere(house: House) -> None:
    ref = opened()
    house.itop.largest = 600_000
    with pytest.raises(ItopTooLargeError):
        desk.Writer().attach(uuid4(), ref, File("a.txt", "text/plain", b"a" * 700_000), RULE)
    assert not Waiting.objects.exists()
    assert not desk.Reader().attachments(ref)


@db
@pytest.mark.parametrize(("own", "ours"), [("15s", "1min"), ("4s", "25s"), ("0", "25s")])
def test_a_role_with_more_patience_waits_longer_in_a_jam(house: House, own: str, ours: str) -> None:
    ref, seen = opened(), []
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [own])
        with locks._patient(ref), connection.cursor() as inner:
            inner.execute("SHOW lock_timeout")
            seen.append(inner.fetchone()[0])
        cursor.execute("SHOW lock_timeout")
        assert (seen, cursor.fetchone()[0]) == ([ours], own)


@db
def test_work_goes_on_at_a_ticket_that_itop_does_not_want_yet(
    house: House, away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.itop.faults.append("html")
    ref = opened()
    with monkeypatch.context() as site:
        said = "Error: Unexpected value for attribute 'Cost' (cost) : Null not allowed"
        site.setattr(house.itop, "_create", Mock(side_effect=Refusal(100, said)))
        assert isinstance(backlog.drain_all(session()).fault, ItopValueError)
        say(ref, "one")
    assert desk.Reader().worklog(ref)[-1].text == "one"
    assert backlog.drain_all(session()).told == 2
    assert lines(house)[-1] == "one"


@db
def test_a_ticket_that_itop_does_not_want_makes_no_other_wait(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = opened()
    house.itop.faults.append("html")
    unwanted = opened()
    said = "Error: Unexpected value for attribute 'Cost' (cost) : Null not allowed"
    monkeypatch.setattr(house.itop, "_create", Mock(side_effect=Refusal(100, said)))
    backlog.drain_all(session())
    say(unwanted, "one")
    say(other, "two")
    assert lines(house)[-1] == "two"
    waiting = Waiting.objects.order_by("id").values_list("mirrored_id", "error")
    assert [(ref, why.partition(":")[0]) for ref, why in waiting] == [
        (unwanted, "tickets.itop_value"),
        (unwanted, "tickets.itop_value"),
    ]


@db
def test_a_lack_of_rights_that_is_over_by_now_is_no_refusal(
    house: House, away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = DENIED.format("creating", "Incident")
    with monkeypatch.context() as site:
        site.setattr(house.itop, "_create", Mock(side_effect=Refusal(1, said)))
        opened()
    assert Waiting.objects.get().outage
    assert backlog.drain_all(session()).told == 1
