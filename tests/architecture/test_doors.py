"""Every door by which a ticket is moved has a row here, and a test that holds it against the table.

What moves tickets is found in the code; what a row promises is looked up in the tests. A new door
without a row, a row whose test is gone, or one that leaves out a class fails.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from adapters.tickets import states
from adapters.tickets.port import Role
from ethops.executor.ticket_effects import STIMULI

ROOT: Final = Path(__file__).resolve().parents[2]
MOVERS: Final = {
    *("move", "_move", "move_by_person", "move_by_rule", "move_ticket", "claim", "claim_by_person"),
}
OWNERS: Final = {"tickets", "writer", "acts", "services"}
"""What a call that moves a ticket is an attribute of: `tickets.move`, `acts.move`."""
API: Final = "tests/integration/api"


@dataclass(frozen=True)
class Door:
    """Where it moves tickets, whose moves it can make, and the test of every class and state."""

    modules: tuple[str, ...]
    roles: frozenset[Role]
    test: str
    stimuli: frozenset[str] = frozenset(states.all_stimuli())


PEOPLE: Final = frozenset[Role]({"requester", "operator", "approver"})
DOORS: Final = {
    "api": Door(
        ("ethops/api/acts.py", "ethops/api/tickets.py"), PEOPLE,
        f"{API}/test_ticket_doors.py::test_the_api_is_exactly_the_table",
    ),
    "pages": Door(
        ("ethops/pages/moving.py",), PEOPLE,
        f"{API}/test_ticket_doors.py::test_the_page_makes_exactly_the_moves_of_the_table",
    ),
    "portal": Door(
        ("ethops/portal/acts.py", "ethops/portal/ticket.py"), PEOPLE,
        f"{API}/test_portal.py::test_the_portal_makes_exactly_the_moves_of_the_table",
    ),
    "agent": Door(
        ("ethops/executor/ticket_effects.py",), frozenset[Role]({"agent"}),
        f"{API}/test_ticket_doors.py::test_the_verbs_of_agents_are_exactly_the_table",
        frozenset(STIMULI.values()),
    ),
    "admin": Door(
        (), frozenset(),
        f"{API}/test_other_doors.py::test_no_form_of_the_admin_site_moves_a_ticket",
        frozenset(),
    ),
    "mail": Door(
        ("ethops/desk/answers.py",), frozenset[Role]({"rule"}),
        f"{API}/test_other_doors.py::test_no_word_of_a_letter_moves_a_ticket",
        frozenset({"ev_assign"}),
    ),
    "rules": Door(
        (
            "ethops/desk/dispatch.py", "ethops/desk/storms.py", "ethops/desk/housekeeping.py",
            "ethops/desk/recurrence.py", "ethops/desk/reopening.py",
        ),
        frozenset[Role]({"rule"}),
        "tests/contract/test_ticket_classes.py"
        "::test_every_state_stimulus_and_actor_is_exactly_the_table",
    ),
    "pulls": Door(
        ("ethops/executor/pull_ends.py",), frozenset[Role]({"executor"}),
        f"{API}/test_other_doors.py::test_the_end_of_a_pull_request_moves_an_accepted_change_alone",
        frozenset({"ev_implement", "ev_finish"}),
    ),
    "executor": Door(
        ("ethops/executor/changes.py",), frozenset[Role]({"executor"}),
        "tests/contract/test_ticket_classes.py"
        "::test_every_state_stimulus_and_actor_is_exactly_the_table",
    ),
}  # fmt: skip
INNER: Final = {"ethops/executor/tickets.py"}
"""What the doors of people and rules go through: it asks the table, and vouches for nobody."""


def moving() -> set[str]:
    """Return the files of the house that move a ticket."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "ethops").rglob("*.py"))
        if any(_moves(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    }


def _moves(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    while isinstance(owner, ast.Call | ast.Attribute):
        owner = owner.func if isinstance(owner, ast.Call) else owner.value
    return node.func.attr in MOVERS and isinstance(owner, ast.Name) and owner.id in OWNERS


def test_whatever_moves_a_ticket_is_a_door_with_a_row() -> None:
    assert moving() - INNER == {one for door in DOORS.values() for one in door.modules}


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_held_against_every_class_of_the_table(name: str) -> None:
    file, _, function = DOORS[name].test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function]
    marks = {n.id for one in found.decorator_list for n in ast.walk(one) if isinstance(n, ast.Name)}
    assert marks & {"each_kind", "KINDS"}


def test_every_move_of_the_table_has_a_door_that_can_make_it() -> None:
    shut = {
        (name, state, stimulus)
        for name, there in states.MOVES.items()
        for state, row in there.items()
        for stimulus, move in row.items()
        if not any(d.roles & move.by and stimulus in d.stimuli for d in DOORS.values())
    }
    assert shut == set()


def test_no_door_of_agents_or_letters_makes_what_the_table_leaves_to_people() -> None:
    for name in ("agent", "mail", "admin"):
        door = DOORS[name]
        open_to = {
            stimulus
            for there in states.MOVES.values()
            for row in there.values()
            for stimulus, move in row.items()
            if move.by & door.roles and stimulus in door.stimuli
        }
        assert open_to == door.stimuli, name
