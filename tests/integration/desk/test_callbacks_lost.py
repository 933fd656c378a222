"""A third of the callbacks dropped, doubled, out of order or broken: after one look, nothing is."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from adapters import registry
from adapters.tickets.itop import marks, words
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.names import FORMAT
from adapters.tickets.models import LogLine, Ticket
from ethops.desk import callbacks, elsewhere
from tests.doubles.itop.house import House, housed
from tests.doubles.itop.life import LIVES

OPS = 100
CLASSES = ("Incident", "UserRequest", "Problem", "RoutineChange")
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    with housed() as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        yield one


class People:
    """People at work in an iTop, drawn by lot; what iTop calls us with for each thing they do."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.lot = house, random.Random(seed)  # noqa: S311 - a lot, not a secret
        self.tickets: list[int] = []
        self.lines = 0
        self.at = timezone.now()
        self.ada = house.itop.add("Person", friendlyname="Ada Lovelace")

    def act(self) -> bytes:
        itop = self.house.itop
        # Often twice within a second, as iTop counts.
        self.at += timedelta(seconds=self.lot.randint(0, 1))
        itop.at = self.at.strftime(FORMAT)
        if not self.tickets or self.lot.random() < 0.2:
            self.tickets.append(
                itop.add(self.lot.choice(CLASSES), title="Printer jams", description="d")
            )
            return self.said(self.tickets[-1], "create")
        chosen = self.lot.choice(self.tickets)
        self.lot.choice((self.retitle, self.move, self.say))(itop.objects[chosen])
        itop.objects[chosen]["last_update"] = itop.at
        return self.said(chosen, "update")

    def retitle(self, one: dict[str, Any]) -> None:
        one["title"] = f'"Printer" no. {self.lot.randint(0, 9)}'

    def move(self, one: dict[str, Any]) -> None:
        there = LIVES[one["finalclass"]][one["status"]]
        if there:
            one["status"] = self.lot.choice(sorted(there.values()))
            one["agent_id"] = str(self.ada)

    def say(self, one: dict[str, Any]) -> None:
        self.lines += 1
        line = {"message": f"line {self.lines}", "user_login": "Ada", "date": "", "user_id": "7"}
        one["private_log"] = {"entries": [*one["private_log"]["entries"], line]}

    def said(self, itop_id: int, event: str) -> bytes:
        one = self.house.itop.objects[itop_id]
        names = ("ref", "status", "title", "last_update")
        said = {"class": one["finalclass"], "id": str(itop_id), "event": event}
        return json.dumps(said | {name: one[name] for name in names}).encode()


def spoilt(bodies: list[bytes], lot: random.Random) -> Iterator[bytes]:
    """What of the callbacks arrives, and how."""
    late: list[bytes] = []
    for body in bodies:
        fate = (
            lot.choice(("drop", "double", "late", "tear", "garble")) if lot.random() < 0.3 else ""
        )
        if fate == "late":
            late.append(body)
        elif fate == "tear":
            yield body[: lot.randint(0, len(body))]
        elif fate == "garble":
            yield body.replace(b'\\"', b'"') + b"\xff"
        elif fate != "drop":
            yield from [body] * (2 if fate == "double" else 1)
        if late and lot.random() < 0.2:
            yield late.pop(lot.randrange(len(late)))
    yield from late


def heed(raw: bytes) -> None:
    number, _ = callbacks.accept(raw)
    elsewhere.heed(number)


@pytest.mark.parametrize("seed", [7, 11])
def test_nothing_is_lost_or_doubled_within_one_look(house: House, seed: int) -> None:
    people = People(house, seed)
    elsewhere.follow()
    for _ in range(5):
        bodies = [people.act() for _ in range(OPS // 5)]
        for raw in spoilt(bodies, people.lot):
            heed(raw)
        elsewhere.follow()
        assert here() == there(house, people)
    said = LogLine.objects.filter(author="Ada").values_list("text", flat=True)
    assert sorted(said) == sorted(f"line {n + 1}" for n in range(people.lines))


def there(house: House, people: People) -> dict[int, tuple[str, str, list[str]]]:
    """Every ticket as iTop has it, in our words."""
    found = {}
    for one in (house.itop.objects[itop_id] for itop_id in people.tickets):
        state = words.STATES[one["finalclass"]][one["status"]]
        lines = [line["message"] for line in one["private_log"]["entries"]]
        found[one["id"]] = (state, marks.read(one["title"]), lines)
    return found


def here() -> dict[int, tuple[str, str, list[str]]]:
    """Every ticket as we have it."""
    found = {}
    for mirrored in Mirrored.objects.exclude(itop_id=None):
        ticket = Ticket.objects.get(pk=mirrored.ticket_id)
        lines = LogLine.objects.filter(ticket=ticket, author="Ada").order_by("n")
        found[mirrored.itop_id or 0] = (ticket.state, ticket.title, [one.text for one in lines])
    return found


def test_a_callback_alone_is_enough(house: House) -> None:
    people = People(house, 1)
    heed(people.act())
    assert here() == there(house, people)


def test_what_a_body_says_is_not_believed(house: House) -> None:
    people = People(house, 1)
    raw = people.act()
    heed(raw.replace(b'"new"', b'"closed"').replace(b"Printer", b"Nothing"))
    assert here() == there(house, people)


def test_a_callback_about_nothing_there_changes_nothing(house: House) -> None:
    heed(b'{"class": "Incident", "id": "4711"}')
    assert here() == {}


def test_a_callback_while_itop_is_away_is_left_to_the_look(house: House) -> None:
    people = People(house, 1)
    raw = people.act()
    house.itop.faults[:] = ["html"] * 4
    heed(raw)
    house.itop.faults.clear()
    assert here() == {}
    elsewhere.follow()
    assert here() == there(house, people)


def test_our_own_write_calls_back_to_no_further_write(house: House) -> None:
    people = People(house, 1)
    heed(people.act())
    house.itop.calls.clear()
    heed(people.said(people.tickets[0], "update"))
    registry.follower().look()
    assert {call["operation"] for call in house.itop.calls} <= {"core/get"}
