"""What the desk makes of what people do to tickets in an iTop."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone

from adapters import registry
from adapters.rows import select
from adapters.tickets.following import Health
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.models import Ticket
from adapters.tickets.port import TicketDraft
from ethops.desk import elsewhere
from ethops.executor import tickets
from tests.doubles.itop.house import House, housed

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    with housed() as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        yield one


def recorded(kind: str) -> list[dict[str, Any]]:
    return select("SELECT subject FROM audit_pending WHERE kind = %s ORDER BY subject", [kind])


def dispatched() -> list[str]:
    rows = select("SELECT subject FROM audit_work WHERE kind = 'dispatch' ORDER BY id")
    return [row["subject"] for row in rows]


def opened() -> str:
    draft = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
    return tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref


def test_a_ticket_born_there_is_on_record_and_given_out(house: House) -> None:
    house.itop.add("Incident", title="Printer jams", description="Third floor.")
    elsewhere.follow()
    ref = Ticket.objects.get().ref
    assert recorded("ticket.elsewhere") == [{"subject": ref}]
    assert dispatched() == [ref]


def test_who_takes_a_ticket_there_ends_its_runs_here(house: House) -> None:
    ref = opened()
    elsewhere.follow()
    ada = house.itop.add("Person", friendlyname="Ada Lovelace")
    house.object("Incident").update(status="assigned", agent_id=str(ada), last_update="2026-01-02")
    elsewhere.follow()
    (row,) = select("SELECT body ->> 'person' AS person FROM audit_pending WHERE kind = %s",
                    ["person.took_over"])  # fmt: skip
    assert (row["person"], dispatched()) == ("Ada Lovelace", [ref])


def test_a_line_there_is_no_reason_to_begin_anew(house: House) -> None:
    opened()
    elsewhere.follow()
    line = {"message": "I look at it.", "user_login": "Ada", "date": "", "user_id": "7"}
    house.object("Incident")["public_log"]["entries"].append(line)
    elsewhere.follow()
    assert (len(recorded("ticket.elsewhere")), dispatched()) == (1, [])


def test_what_was_taken_over_and_not_heard_is_heard_later(house: House) -> None:
    house.itop.add("Incident", title="Printer jams", description="Third floor.")
    registry.follower().look()
    assert (recorded("ticket.elsewhere"), Mirrored.objects.count()) == ([], 1)
    elsewhere.follow()
    assert len(recorded("ticket.elsewhere")) == 1


def test_a_dead_cron_is_given_to_a_person_once(house: House) -> None:
    house.itop.add("BackgroundTask", latest_run_date="2026-01-01 00:00:00")
    elsewhere.follow()
    elsewhere.follow()
    alarm = Ticket.objects.get(cause_key="desk:iTop:cron")
    assert (alarm.state, alarm.repeats) == ("escalated", 0)


def test_what_cannot_be_heard_hides_no_alarm(house: House, monkeypatch: Any) -> None:
    house.itop.add("Incident", title="Printer jams", description="Third floor.")
    house.itop.add("BackgroundTask", latest_run_date="2026-01-01 00:00:00")

    def deaf(news: object) -> None:
        raise DatabaseError("nothing is heard")

    monkeypatch.setattr("ethops.executor.elsewhere.hear", deaf)
    with pytest.raises(DatabaseError):
        elsewhere.follow()
    assert Ticket.objects.filter(cause_key="desk:iTop:cron").exists()


def test_nothing_is_followed_where_tickets_are_our_own() -> None:
    assert elsewhere.follow() == elsewhere.follow_all() == 0


NOW = timezone.now()
WELL = Health("iTop", "well", "")


@pytest.mark.parametrize(
    ("health", "kinds"),
    [
        (WELL, []),
        (Health("iTop", "away", "x", faulty_since=NOW - timedelta(minutes=9)), []),
        (Health("iTop", "away", "x", faulty_since=NOW - timedelta(minutes=11)), ["away"]),
        (
            Health("iTop", "away", "x", NOW, faulty_since=NOW - timedelta(minutes=11)),
            ["untold"],
        ),
        (Health("iTop", "well", "", cron="stale"), ["cron"]),
        (Health("iTop", "well", "", missing=9), ["missing"]),
        (Health("iTop", "well", "", swept_at=NOW - timedelta(hours=30)), []),
        (Health("iTop", "well", "", swept_at=NOW - timedelta(hours=50)), ["sweep"]),
    ],
    ids=[
        "well",
        "away a moment",
        "away",
        "not told",
        "cron",
        "missing",
        "compared",
        "not compared",
    ],
)
def test_what_a_person_is_told(health: Health, kinds: list[str]) -> None:
    assert [alarm.kind for alarm in elsewhere.alarms(health, NOW)] == kinds
