"""What a check that was killed left: cleared away by the next one, and nobody else's touched."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from adapters.markers import is_of_check
from adapters.tickets import embedded
from adapters.tickets.conformance.bench import Bench
from adapters.tickets.itop import desk, leftovers
from adapters.tickets.itop.names import FORMAT
from adapters.tickets.itop.session import session
from adapters.tickets.models import Ticket
from adapters.tickets.port import TicketDraft
from tests.doubles.itop.house import House

KILLED = "ethops check 0123abcd"
NOW = "ethops check 99999999"


def left(house: House, what: str = "once", of: str = "Incident", **values: Any) -> int:
    """An object as a case has it open when its check is killed: ours, and in no row here."""
    fields: dict[str, Any] = {
        "org_id": house.org,
        "title": f"[{KILLED}] {what}",
        "description": "x",
        "public_log" if of == "Incident" else "private_log": {"add_item": {"message": "x"}},
    }
    made = session().client.create(of, fields, "a check", ("id",))
    house.itop.objects[made.id].update(values)
    return made.id


@pytest.fixture(autouse=True)
def an_hour_ago(request: pytest.FixtureRequest) -> None:
    """What a case had open is older than an hour, unless a test says otherwise."""
    if "house" in request.fixturenames:
        request.getfixturevalue("house").itop.at = ago(minutes=61)


def swept(marker: str = "") -> tuple[str, ...]:
    return Bench(desk, NOW).sweep(marker)


def ago(**much: int) -> str:
    return (timezone.now() - timedelta(**much)).strftime(FORMAT)


@pytest.mark.django_db
def test_what_was_open_is_ended_and_removed(house: House) -> None:
    left(house)
    left(house, of="Problem")
    left(house, status="resolved")
    said = swept()
    assert [line.partition(" was ")[2] for line in said] == [
        "new, and is removed.", "resolved, and is removed.", "new, and is removed.",
    ]  # fmt: skip
    assert house.objects("Incident") == house.objects("Problem") == []


@pytest.mark.django_db
def test_who_may_not_delete_has_it_ended(house: House) -> None:
    left(house)
    house.itop.keeps_tickets = True
    (said,) = swept()
    assert "was new and is closed; it stays: " in said
    assert house.object("Incident")["status"] == "closed"
    house.object("Incident")["last_update"] = ago(hours=2)
    assert swept() == ("1 closed ones stay in iTop: our user may not delete them.",)


@pytest.mark.django_db
def test_many_that_stay_are_asked_about_once(house: House) -> None:
    for _ in range(20):
        left(house, status="closed")
    house.itop.keeps_tickets = True
    house.itop.calls.clear()
    assert swept() == ("20 closed ones stay in iTop: our user may not delete them.",)
    asked = [call["operation"] for call in house.itop.calls if call["class"] != "Problem"]
    assert asked.count("core/delete") == 1
    assert len(asked) < 10


@pytest.mark.django_db
def test_a_check_that_may_be_running_is_left_alone_unless_it_is_named(house: House) -> None:
    house.itop.at = ago(minutes=59)
    left(house)
    assert swept() == swept("ethops check 0123abce") == ()
    assert len(swept(KILLED)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "title",
    [
        "[ethops check 0123abcd]",
        "[ethops check 0123ABCD] once",
        "[ethops check 0123abcde] once",
        "[ethops check of the year] once",
        "Re: [ethops check 0123abcd] once",
    ],
)
def test_a_title_that_is_no_checks_is_left_alone(house: House, title: str) -> None:
    left(house, title=title)
    assert (swept(), len(house.objects("Incident"))) == ((), 1)


@pytest.mark.django_db
def test_what_another_login_wrote_is_left_alone(house: House) -> None:
    mine = left(house)
    house.itop.objects[mine]["public_log"]["entries"][0]["user_id"] = "10"
    assert (swept(), len(house.objects("Incident"))) == ((), 1)
    house.itop.objects[mine]["public_log"]["entries"].clear()
    assert (swept(), len(house.objects("Incident"))) == ((), 1)


@pytest.fixture
def kept(clean_db: None) -> Iterator[str]:
    """A problem that a check had committed when it was killed."""
    bench = Bench(embedded, KILLED)
    draft = bench.draft("claims; kept", of="problem")
    yield embedded.Writer().open(uuid4(), draft).ref


def test_what_stays_on_record_is_ended(kept: str) -> None:
    other = Bench(embedded, NOW)
    assert other.sweep("") == ()
    assert other.sweep(KILLED) == (f"{kept} is closed, and stays on record.",)
    assert Ticket.objects.get(ref=kept).state == "closed"
    assert other.sweep(KILLED) == ()


def test_in_itop_it_is_ended_on_both_sides(clean_db: None, house: House) -> None:
    bench = Bench(desk, KILLED)
    deed = bench.writer.open(uuid4(), bench.draft("claims; kept", of="problem"))
    assert Bench(desk, NOW).sweep(KILLED) == (f"{deed.ref} is closed, and stays on record.",)
    assert house.object("Problem")["status"] == "closed"


def test_a_ticket_of_ours_that_an_alert_titled_so_is_left_alone_and_named(
    clean_db: None, house: House
) -> None:
    draft = TicketDraft("incident", f"[{KILLED}] Disk full", "x", 1, 1, "event management", "rule")
    ref = desk.Writer().open(uuid4(), draft).ref
    said = f"Incident {house.object('Incident')['ref']} is {ref} here, which no check opened"
    assert swept() == swept(KILLED) == (f"{said}: it is left alone.",)
    assert (house.object("Incident")["status"], Ticket.objects.get().state) == ("new", "new")


@pytest.mark.django_db
def test_it_is_not_said_to_be_closed_where_it_is_not(house: House, monkeypatch: Any) -> None:
    left(house)
    monkeypatch.setattr(leftovers, "_end", lambda _: None)
    house.itop.keeps_tickets = True
    (said,) = swept()
    assert "was new and is new; it stays: " in said


def run(*more: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("adapters", "check", "tickets", "itop", *more, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def test_the_command_sweeps_alone(clean_db: None, house: House) -> None:
    house.itop.at = ago(minutes=1)
    left(house)
    assert json.loads(run("--sweep", "--json")[0]) == {"contract": "tickets", "swept": []}
    said = json.loads(run("--sweep", "[ethops check 0123abcd]", "--json")[0])
    assert (len(said["swept"]), house.objects("Incident")) == (1, [])
    with pytest.raises(CommandError, match="eight signs"):
        run("--sweep", "everything")


def test_the_next_check_sweeps_by_itself(clean_db: None, house: House) -> None:
    left(house)
    said, status = run("--json")
    assert (status, len(json.loads(said)["swept"]), house.objects("Incident")) == (0, 1, [])


def test_a_title_of_any_check_and_of_one() -> None:
    assert is_of_check(f"[{KILLED}] once")
    assert not is_of_check(f"[{KILLED}] once", NOW)
