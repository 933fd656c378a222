"""Of many who claim one ticket one wins, whatever the desk behind it lets happen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from adapters.tickets.errors import KeyReusedError, MoveRefusedError, NotAllowedError
from adapters.tickets.itop import backlog, desk, push
from adapters.tickets.itop.models import Mirrored, News, Waiting
from adapters.tickets.itop.session import session
from adapters.tickets.port import Claimed, Note, TicketDraft, Vouched
from tests.doubles.itop.house import House

DRAFT = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
DESK = Vouched(frozenset({"operator"}))
PEOPLE = ("ada", "ben", "cyd")
RACES = 100
db = pytest.mark.django_db


def opened(tickets: ModuleType) -> str:
    return str(tickets.Writer().open(uuid4(), DRAFT).ref)


def claim(tickets: ModuleType, ref: str, who: str, **more: Any) -> Claimed:
    note = Note("", who, "person")
    key = more.pop("key", None) or uuid4()
    done: Claimed = tickets.Writer().claim(key, ref, "people", note, DESK, **more)
    return done


def race(tickets: ModuleType, ref: str) -> list[Claimed]:
    begins = Barrier(len(PEOPLE))

    def alone(who: str) -> Claimed:
        try:
            begins.wait(10)
            return claim(tickets, ref, who)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(PEOPLE)) as threads:
        return list(threads.map(alone, PEOPLE))


def test_of_100_races_each_has_one_winner(clean_db: None, tickets: ModuleType) -> None:
    for _ in range(RACES):
        ref = opened(tickets)
        said = race(tickets, ref)
        (winner,) = [who for who, one in zip(PEOPLE, said, strict=True) if one.won]
        assert {one.holder for one in said} == {winner} == {tickets.Reader().get(ref).assignee}
        assert [one.deed is None for one in said].count(False) == 1


def test_itop_is_told_of_the_winner_alone(clean_db: None, house: House) -> None:
    house.itop.gap_s = 0.005
    ref = opened(desk)
    race(desk, ref)
    told = [comment for comment in house.itop.comments if "by=person:" in comment]
    assert len(told) == 1
    assert f"by=person:{desk.Reader().get(ref).assignee}" in told[0]
    assert [stimulus for _, stimulus in house.itop.stimuli] == ["ev_assign"]


@db
def test_who_claims_has_it_and_who_comes_later_is_told_who(tickets: ModuleType) -> None:
    ref = opened(tickets)
    won, lost = claim(tickets, ref, "ada"), claim(tickets, ref, "ben")
    assert won.deed is not None
    assert (won.won, won.holder, won.deed.state) == (True, "ada", "assigned")
    assert lost == Claimed(ref, won=False, holder="ada", deed=None)
    assert len(tickets.Reader().worklog(ref)) == 2


@db
def test_a_repeat_of_the_key_does_nothing_and_says_who_has_it_now(tickets: ModuleType) -> None:
    ref, key = opened(tickets), uuid4()
    claim(tickets, ref, "ada", key=key)
    again = claim(tickets, ref, "ada", key=key)
    assert (again.won, again.deed is not None and again.deed.repeated) == (True, True)
    claim(tickets, ref, "ben", instead_of="ada")
    assert (claim(tickets, ref, "ada", key=key).won, len(tickets.Reader().worklog(ref))) == (
        *(False, 3),
    )
    with pytest.raises(KeyReusedError):
        claim(tickets, opened(tickets), "ada", key=key)


@db
def test_who_has_it_already_wins_and_writes_nothing(tickets: ModuleType) -> None:
    ref = opened(tickets)
    claim(tickets, ref, "ada")
    assert claim(tickets, ref, "ada") == Claimed(ref, won=True, holder="ada", deed=None)


@db
def test_a_ticket_is_taken_only_from_whom_one_saw(tickets: ModuleType) -> None:
    ref = opened(tickets)
    claim(tickets, ref, "ada")
    assert not claim(tickets, ref, "cyd", instead_of="ben").won
    assert claim(tickets, ref, "cyd", instead_of="ada").won
    # Who saw somebody that has given it back meanwhile may have it as well.
    fields: Any = {"assignee": "", "team": "responders"}
    tickets.Writer().move(uuid4(), ref, "ev_assign", fields, Note("", "cyd", "person"), DESK)
    assert claim(tickets, ref, "ben", instead_of="cyd").won


@db
def test_a_claim_is_a_move_of_the_table(tickets: ModuleType) -> None:
    ref = opened(tickets)
    with pytest.raises(NotAllowedError):
        tickets.Writer().claim(uuid4(), ref, "people", Note("", "guest", "person"))
    fields: Any = {"solution": "restarted"}
    tickets.Writer().move(uuid4(), ref, "ev_resolve", fields, Note("", "intake", "rule"))
    with pytest.raises(MoveRefusedError):
        claim(tickets, ref, "ada")


def monet(house: House) -> int:
    return house.itop.add("Person", name="Monet", friendlyname="Claude Monet", org_id=house.org)


@db
def test_who_took_it_in_itop_keeps_it(house: House) -> None:
    ref = opened(desk)
    house.object("Incident").update(agent_id=str(monet(house)), status="assigned")
    assert claim(desk, ref, "ada") == Claimed(ref, won=False, holder="Claude Monet", deed=None)
    assert house.itop.stimuli == []
    assert claim(desk, ref, "ada", instead_of="Claude Monet").won
    assert house.object("Incident")["agent_id"] == house.agent


@db
def test_who_takes_it_in_itop_while_we_write_has_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, him = opened(desk), monet(house)
    read_back: Callable[..., None] = push.Push._read_back

    def late(self: push.Push, write: Any) -> None:
        house.object("Incident")["agent_id"] = str(him)
        read_back(self, write)

    monkeypatch.setattr(push.Push, "_read_back", late)
    said = claim(desk, ref, "ada")
    assert (said.won, said.holder, said.deed is not None) == (False, "Claude Monet", True)
    assert desk.Reader().get(ref).assignee == "Claude Monet"
    assert News.objects.filter(mirrored_id=ref, assignee="Claude Monet").count() == 1


@db
def test_a_claim_that_waited_gives_way_to_who_took_it_there(house: House, settings: Any) -> None:
    ref, here = opened(desk), settings.ADAPTERS
    settings.ADAPTERS = {**here, "tickets": house.settings(url="http://127.0.0.1:9")}
    assert claim(desk, ref, "ada").won
    house.object("Incident").update(agent_id=str(monet(house)), status="assigned")
    settings.ADAPTERS = here
    assert backlog.drain_all(session()).refused == 1
    assert desk.Reader().get(ref).assignee == "Claude Monet"
    assert house.itop.stimuli == []
    assert "tickets.held" in Waiting.objects.get(mirrored_id=ref).error


@db
def test_a_claim_that_waited_is_told_where_nobody_took_it(house: House, settings: Any) -> None:
    ref, here = opened(desk), settings.ADAPTERS
    settings.ADAPTERS = {**here, "tickets": house.settings(url="http://127.0.0.1:9")}
    claim(desk, ref, "ada")
    settings.ADAPTERS = here
    assert backlog.drain_all(session()).told == 1
    assert house.object("Incident")["agent_id"] == house.agent
    assert Mirrored.objects.get(ticket_id=ref).status == "assigned"
    assert desk.Reader().get(ref).assignee == "ada"
