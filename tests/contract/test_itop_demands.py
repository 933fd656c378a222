"""What a site's own iTop demands is declared in its file, and written when tickets are told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters import site
from adapters.declared import Read
from adapters.tickets.errors import TicketError
from adapters.tickets.itop import demands, desk
from adapters.tickets.port import Note, TicketDraft
from tests.doubles.itop.house import House, housed
from tests.doubles.itop.server import Itop, Refusal

Become = Callable[[str], None]
DRAFT = TicketDraft("incident", "Shop is down", "It hangs.", 1, 2, "intake", "rule")
RULE = Note("", "intake", "rule")
FILE = """\
itop:
  fields:
    - {class: Incident, at: create, values: {cost_center: "4711", service_id: {name: Mail}}}
    - {class: Incident, at: resolved, values: {resolution_code: patch, root_cause: other}}
"""


class Demanding(Itop):
    """An iTop whose site wants a cost center when an incident is made, and a cause at its end."""

    def _create(self, said: dict[str, Any]) -> dict[str, Any]:
        if said["class"] == "Incident" and not said["fields"].get("cost_center"):
            text = "Unexpected value for attribute 'Cost' (cost_center) : Null not allowed"
            raise Refusal(100, f"Error: {text}")
        return super()._create(said)

    def _stimulate(self, said: dict[str, Any]) -> dict[str, Any]:
        if said["stimulus"] == "ev_resolve" and not said["fields"].get("root_cause"):
            text = "Missing mandatory attribute(s) for applying the stimulus: root_cause."
            raise Refusal(100, text)
        return super()._stimulate(said)


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    """A fake iTop that demands more than iTop does."""
    with housed(Demanding()) as one:
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": one.settings()}
        yield one


def read(folder: Path, text: str = FILE) -> Read[site.Site]:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return site.read(path)


def load(become: Become, folder: Path, text: str = FILE) -> tuple[tuple[str, ...], ...]:
    found = read(folder, text)
    assert found.value is not None
    become("owner")
    done = demands.apply(found.value.itop)
    become("app")
    return (done.added, done.changed, done.retired)


def resolve(ref: str) -> None:
    desk.Writer().move(uuid4(), ref, "ev_resolve", {"solution": "restarted"}, RULE)


def test_without_it_the_site_refuses(clean_db: None, house: House) -> None:
    with pytest.raises(TicketError, match="cost_center"):
        desk.Writer().open(uuid4(), DRAFT)
    assert house.objects("Incident") == []


def test_what_is_declared_is_written_when_it_is_made_and_when_it_is_moved(
    become: Become, house: House, tmp_path: Path
) -> None:
    load(become, tmp_path)
    ref = desk.Writer().open(uuid4(), DRAFT).ref
    made = house.object("Incident")
    assert (made["cost_center"], made["service_id"]) == ("4711", {"name": "Mail"})
    assert "root_cause" not in made
    resolve(ref)
    ended = house.object("Incident")
    assert (ended["status"], ended["root_cause"]) == ("resolved", "other")
    # The site's word for it goes before our own.
    assert (ended["resolution_code"], ended["solution"]) == ("patch", "<p>restarted</p>")


def test_another_state_and_another_class_are_told_nothing_of_it(
    become: Become, house: House, tmp_path: Path
) -> None:
    load(become, tmp_path)
    desk.Writer().open(uuid4(), TicketDraft("problem", "It recurs", "Why?", 2, 2, "intake", "rule"))
    assert "cost_center" not in house.object("Problem")


def test_the_file_is_what_stands_in_the_rows(become: Become, tmp_path: Path) -> None:
    added = ("iTop field Incident create", "iTop field Incident resolved")
    assert load(become, tmp_path) == (added, (), ())
    assert load(become, tmp_path) == ((), (), ())
    other = FILE.replace("4711", "4712")
    assert load(become, tmp_path, other) == ((), ("iTop field Incident create",), ())
    assert demands.given("Incident", "create")["cost_center"] == "4712"
    assert load(become, tmp_path, "{}") == ((), (), added)
    assert demands.named() == {}


BAD = {
    ("class: Incident, at: create", "class: Server, at: create"): "`itop.fields[0].class`",
    ("at: resolved", "at: solved"): "`itop.fields[1]`: A Incident of ours is never solved.",
    ("root_cause: other", "status: closed"): "`itop.fields[1]`: ethops itself writes status",
    ("root_cause: other", "solution: x"): "`itop.fields[1]`: ethops itself writes solution",
    ("root_cause: other", "root_cause: [a]"): "`itop.fields[1].values.root_cause",
    ("root_cause: other", '"root cause": other'): "`itop.fields[1].values",
    ("at: resolved", "at: create"): "`itop`: There is a second Incident create.",
}


@pytest.mark.parametrize(("change", "says"), BAD.items(), ids=[new for _, new in BAD])
def test_a_fault_is_found_before_anything_starts(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    found = read(tmp_path, FILE.replace(*change, 1))
    assert found.value is None
    assert found.faults[0].what.startswith(says)
    assert found.faults[0].line in {1, 2, 3, 4}
