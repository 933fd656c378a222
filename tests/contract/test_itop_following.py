"""People at work in an iTop: what they do is taken over, once, whatever is lost on the way."""

from typing import Any
from uuid import uuid4

import pytest

from adapters.tickets import models
from adapters.tickets.following import News
from adapters.tickets.itop import desk, follow, ids, marks
from adapters.tickets.itop.models import Following, Mirrored
from adapters.tickets.itop.session import session
from adapters.tickets.port import Note, TicketDraft
from tests.doubles.itop.house import House

DRAFT = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
BORN = {"title": "Printer jams", "description": "<p>Third floor.</p>", "impact": "2"}
pytestmark = pytest.mark.django_db


def look() -> list[News]:
    """Look once; what the desk then hears."""
    heard: list[News] = []
    follower = desk.Follower()
    assert follower.look().fault == ""
    follower.tell(heard.append)
    return heard


def put(house: House, itop_class: str = "Incident", **values: Any) -> int:
    return house.itop.add(itop_class, **{**BORN, "org_id": house.org, **values})


def ticket_of(itop_id: int) -> models.Ticket:
    return models.Ticket.objects.get(itop__itop_id=itop_id)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is settled at once: the seconds of iTop's clock are not waited for."""
    monkeypatch.setattr(follow, "SETTLING", follow.SETTLING * 0)


@pytest.mark.parametrize(
    ("itop_class", "status", "ours"),
    [
        ("Incident", "new", ("incident", "new")),
        ("Incident", "escalated_ttr", ("incident", "assigned")),
        ("UserRequest", "waiting_for_approval", ("request", "waiting_for_approval")),
        ("Problem", "assigned", ("problem", "assigned")),
        ("RoutineChange", "plannedscheduled", ("change", "planned")),
        ("NormalChange", "new", ("change", "new")),
        ("EmergencyChange", "implemented", ("change", "implemented")),
    ],
)
def test_a_ticket_born_there_is_one_here(
    house: House, itop_class: str, status: str, ours: tuple[str, str]
) -> None:
    born = put(house, itop_class, status=status)
    (news,) = look()
    ticket = ticket_of(born)
    assert (ticket.ticket_class, ticket.state) == ours
    assert (news.ref, news.what, ticket.title) == (ticket.ref, "born", "Printer jams")


def test_what_was_said_there_before_we_came_is_tainted(house: House) -> None:
    line = {"message": "It burns.", "user_login": "Claude Monet", "date": "", "user_id": "7"}
    born = put(house, public_log={"entries": [line]})
    look()
    (said,) = [one for one in desk.Reader().worklog(ticket_of(born).ref) if one.tainted][1:]
    assert (said.author, said.text) == ("Claude Monet", "It burns.")


def test_cis_are_taken_as_somebody_named_them(house: House) -> None:
    rows = [
        {"functionalci_name": "web-1", "impact_code": "manual"},
        {"functionalci_name": "esx-1", "impact_code": "computed"},
    ]
    born = put(house, functionalcis_list=rows)
    look()
    assert desk.Reader().get(ticket_of(born).ref).ci_refs == ("web-1",)


def test_a_person_who_takes_it_there_has_it_here(house: House) -> None:
    ref = desk.Writer().open(uuid4(), DRAFT).ref
    look()
    ada = house.itop.add("Person", friendlyname="Ada Lovelace")
    house.object("Incident").update(status="assigned", agent_id=str(ada), last_update="2026-01-02")
    (news,) = look()
    assert (news.ref, news.assignee_before, news.assignee) == (ref, "", "Ada Lovelace")
    assert desk.Reader().get(ref).state == "assigned"


def test_what_is_given_back_to_us_is_nobodys(house: House) -> None:
    ada = house.itop.add("Person", friendlyname="Ada Lovelace")
    born = put(house, status="assigned", agent_id=str(ada))
    look()
    house.itop.objects[born].update(agent_id=str(house.agent), last_update="2026-01-02")
    look()
    ticket = ticket_of(born)
    assert (ticket.assignee, ticket.team) == ("", "responders")


def test_who_gives_it_back_has_said_so(house: House) -> None:
    """A person's line begins a turn: who had done his part before is asked anew."""
    ada = house.itop.add("Person", friendlyname="Ada Lovelace")
    born = put(house, status="assigned", agent_id=str(ada))
    look()
    house.itop.objects[born].update(agent_id=str(house.agent), last_update="2026-01-02")
    look()
    last = models.LogLine.objects.filter(ticket_id=ticket_of(born).ref).order_by("n").last()
    assert last is not None
    assert (last.author, last.author_kind, last.visibility) == ("Ada Lovelace", "person", "private")


def test_our_own_ticket_is_not_taken_in_a_second_time(house: House) -> None:
    desk.Writer().open(uuid4(), DRAFT)
    assert look() == []
    assert models.Ticket.objects.count() == 1


def test_one_whose_answer_was_lost_is_left_to_what_waits(house: House) -> None:
    house.itop.faults[:] = ["html"] * 3
    ref = desk.Writer().open(uuid4(), DRAFT).ref
    house.itop.faults.clear()
    house.itop.calls.clear()
    look()
    assert Mirrored.objects.get().ticket_id == ref
    assert len(house.objects("Incident")) == 1


def test_what_a_check_left_closed_is_no_ticket_of_ours(house: House) -> None:
    # As a check leaves it where our user may not delete: closed, and its deed undone here.
    left = {"title": "[ethops check 3f9c01ab] once", "description": f"x {marks.mark(uuid4())}"}
    put(house, status="closed", **left)
    killed = put(house, status="new", **left)
    desk.Follower().look()
    assert desk.Follower().look_at_all().fault == ""
    assert [one.itop_id for one in Mirrored.objects.all()] == [killed]


def test_a_copied_mark_hides_no_ticket(house: House) -> None:
    desk.Writer().open(uuid4(), DRAFT)
    copied = put(house, description=house.object("Incident")["description"])
    look()
    assert ticket_of(copied).title == "Printer jams"


def test_a_look_at_nothing_new_reads_nothing_again(house: House, settled: None) -> None:
    put(house)
    look()
    house.itop.calls.clear()
    look()
    assert [call["class"] for call in house.itop.calls] == ["Ticket"]


def test_what_may_have_been_written_twice_in_a_second_is_read_again(house: House) -> None:
    born = put(house)
    look()
    house.itop.objects[born]["title"] = "Printer burns"
    look()
    assert ticket_of(born).title == "Printer burns"


def test_one_call_for_a_page_and_one_for_its_changes(
    house: House, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PAGE", 10)
    for _ in range(25):
        put(house)
    house.itop.calls.clear()
    look()
    asked = [call["class"] for call in house.itop.calls if call["class"] != "BackgroundTask"]
    # And once who we are, to know a ticket that is ours.
    assert (asked.count("Ticket"), asked.count("Incident"), asked.count("Person")) == (3, 3, 1)
    assert not any("*" in call["output_fields"] for call in house.itop.calls)
    assert Mirrored.objects.count() == 25


def test_what_was_over_before_we_came_is_left_there(house: House) -> None:
    put(house, status="closed")
    look()
    assert Mirrored.objects.count() == 0


def test_what_came_and_went_between_two_looks_is_taken_in(house: House) -> None:
    put(house)
    look()
    born = put(house, status="closed", last_update="2026-01-02 00:00:00")
    look()
    assert ticket_of(born).state == "closed"


def test_a_class_of_the_sites_own_is_named_and_holds_nobody_up(house: House) -> None:
    house.itop.add("Incident", **BORN)
    other = house.itop.add("Incident", **BORN)
    house.itop.objects[other]["finalclass"] = "FacilityChange"
    look()
    assert Following.objects.get().left_out == {f"FacilityChange::{other}": "no class of ours"}


def test_one_that_itop_dies_of_is_named_and_holds_nobody_up(house: House) -> None:
    born = [put(house) for _ in range(3)]
    house.itop.unreadable = {born[1]}
    assert len(look()) == 2
    (named,) = Following.objects.get().left_out
    assert named == f"Incident::{born[1]}"


def test_one_that_itop_can_be_asked_for_again_is_taken_over(house: House) -> None:
    born = put(house)
    house.itop.unreadable = {born}
    assert look() == []
    # What was written later does not let it be forgotten.
    put(house, last_update="2026-01-02 00:00:00")
    assert len(look()) == 1
    house.itop.unreadable.clear()
    (news,) = look()
    assert news.ref == ticket_of(born).ref


def test_one_that_cannot_be_read_again_is_named_where_it_was_asked_for(house: House) -> None:
    born = put(house)
    house.itop.unreadable = {born}
    done = follow.reread(session(), "Incident", born)
    assert (done.changed, list(done.left_out)) == (0, [f"Incident::{born}"])


def test_of_an_outage_no_object_is_accused(house: House) -> None:
    born = put(house)
    house.itop.broken = {f"SELECT Incident WHERE id IN ({born})"}
    assert "tickets.itop_unclear" in desk.Follower().look().fault
    assert Following.objects.get().left_out == {}


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_what_no_database_keeps_is_replaced_where_it_comes_in(house: House, odd: str) -> None:
    born = put(house, title=f"Printer{odd}jams")
    look()
    assert ticket_of(born).title == "Printer\ufffdjams"


def test_an_outage_is_said_and_the_next_look_goes_on(house: House) -> None:
    born = put(house)
    follower = desk.Follower()
    house.itop.faults.append("html")
    assert "tickets.itop_unclear" in follower.look().fault
    assert follower.health().state == "away"
    look()
    assert (ticket_of(born).state, follower.health().state) == ("new", "well")


def test_an_itop_that_takes_no_writes_is_not_well(house: House) -> None:
    ref = desk.Writer().open(uuid4(), DRAFT).ref
    house.itop.closed = True
    desk.Writer().comment(uuid4(), ref, Note("one", "triage", "agent"))
    follower = desk.Follower()
    assert follower.look().waiting == 1
    assert follower.health().state == "away"
    assert "tickets.itop_read_only" in follower.health().said
    house.itop.closed = False
    look()
    assert (follower.health().state, follower.health().waiting) == ("well", 0)


def test_who_is_at_it_already_is_left_alone(house: House) -> None:
    put(house)
    Following.objects.create(url=house.itop.address, busy_until="2999-01-01T00:00Z")
    look()
    assert house.itop.calls == []


# ---------------------------------------------------------------- all ids


def sweep() -> Following:
    assert desk.Follower().look_at_all().fault == ""
    return Following.objects.get()


def test_the_look_at_all_finds_what_no_poll_has_seen(house: House) -> None:
    born = put(house)
    look()
    missed = put(house, last_update="2026-01-01 00:00:00")
    house.itop.objects[born].update(title="Printer burns", last_update="2025-06-01 00:00:00")
    sweep()
    assert (ticket_of(born).title, ticket_of(missed).state) == ("Printer burns", "new")


def test_what_is_deleted_there_stays_here_and_is_said(house: House) -> None:
    born = put(house)
    look()
    del house.itop.objects[born]
    sweep()
    (news,) = look()
    assert (news.what, ticket_of(born).state) == ("gone", "new")
    assert "no more to be seen" in desk.Reader().worklog(news.ref)[-1].text


def test_a_short_answer_is_no_deletion(house: House) -> None:
    born = [put(house) for _ in range(ids.FEW + 1)]
    look()
    for one in born:
        del house.itop.objects[one]
    assert sweep().missing == len(born)
    assert not Mirrored.objects.exclude(gone_at=None).exists()


def test_what_comes_back_is_gone_no_more(house: House) -> None:
    born = put(house)
    look()
    kept = house.itop.objects.pop(born)
    sweep()
    house.itop.objects[born] = kept
    sweep()
    assert Mirrored.objects.get().gone_at is None


# ---------------------------------------------------------------- cron


@pytest.mark.parametrize(
    ("ran", "state"), [("2026-01-01 00:00:00", "stale"), ("2999-01-01 00:00:00", "unknown")]
)
def test_cron_is_known_by_its_tasks(house: House, ran: str, state: str) -> None:
    house.itop.add("BackgroundTask", class_name="CheckStopWatchThresholds", latest_run_date=ran)
    look()
    assert desk.Follower().health().cron == state


def test_cron_is_known_by_a_ticket_that_it_should_have_escalated(house: House) -> None:
    put(house, tto_escalation_deadline="2026-01-01 00:00:00")
    look()
    health = desk.Follower().health()
    assert health.cron == "stale"
    assert "is not escalated" in health.cron_said


def test_what_waited_is_told_by_the_look(house: House, settings: Any) -> None:
    ref = desk.Writer().open(uuid4(), DRAFT).ref
    here = settings.ADAPTERS
    settings.ADAPTERS = {**here, "tickets": house.settings(url="http://127.0.0.1:9")}
    desk.Writer().comment(uuid4(), ref, Note("one", "triage", "agent"))
    settings.ADAPTERS = here
    assert desk.Follower().health().waiting == 1
    assert desk.Follower().look().told == 1
    assert house.log("Incident")[-1].startswith("one")


def test_the_hold_of_one_who_died_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    born = put(house)
    Following.objects.create(url=house.itop.address, busy_until="2026-01-01T00:00Z")
    look()
    assert ticket_of(born).state == "new"
    assert Following.objects.get().busy_until is None
