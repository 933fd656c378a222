"""The reference page of tickets against the tables."""

import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from adapters.tickets.declared import DeclaredField, DeclaredRequestModel
from adapters.tickets.fields import Kind
from adapters.tickets.form_fields import FIELDS, FILED, PENDING_REASONS, REQUIRED
from adapters.tickets.port import TicketClass
from adapters.tickets.services import LINKED
from adapters.tickets.states import FILERS, MOVES, REOPEN_WITHIN, SETTLED

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs/reference/tickets.md").read_text(encoding="utf-8")


def rows(ticket_class: TicketClass) -> list[str]:
    """The lines of a class's table, as the page must have them."""
    found = []
    for state, there in MOVES[ticket_class].items():
        for stimulus, move in there.items():
            who = ", ".join(sorted(move.by))
            cells = [state, stimulus, move.to, who, *map(", ".join, (move.needs, move.takes))]
            found.append(f"| {' | '.join([*cells, ', '.join(move.of)])} |".replace("|  |", "| |"))
    return [row.replace("|  |", "| |") for row in found]


def section(title: str) -> list[str]:
    return [line for line in PAGE.split(f"## {title}")[1].split("\n## ")[0].splitlines() if line]


@pytest.mark.parametrize("ticket_class", MOVES)
def test_the_table_of_a_class_is_the_table(ticket_class: TicketClass) -> None:
    on_the_page = [line for line in section(ticket_class.capitalize()) if " | ev_" in line]
    assert on_the_page == rows(ticket_class)


@pytest.mark.parametrize("ticket_class", FILERS)
def test_who_opens_and_what_is_asked(ticket_class: TicketClass) -> None:
    who = ", ".join(sorted(FILERS[ticket_class]))
    asked = " ".join(f"`{name}`{'!' if name in REQUIRED else ''}" for name in FILED[ticket_class])
    assert f"| {ticket_class} | {who} | {asked} |" in PAGE


def test_settled_states_and_the_window_are_named() -> None:
    assert f"Settled: {', '.join(sorted(SETTLED))}." in PAGE
    assert f"{REOPEN_WITHIN.days} days" in PAGE


def test_every_reason_to_wait_and_every_link_is_named() -> None:
    for reason, words in PENDING_REASONS:
        assert f"`{reason}` ({words})" in PAGE
    for kind, (sources, to) in LINKED.items():
        assert f"| `{kind}` | {' or '.join(sources)} | {to} |" in PAGE


def test_every_field_that_a_model_may_have_is_explained() -> None:
    for name in DeclaredField.model_fields:
        assert f"| `{name}` |" in PAGE
    kinds = set(get_args(DeclaredField.model_fields["kind"].annotation))
    assert kinds <= set(get_args(Kind))
    for kind in kinds:
        assert f"`{kind}`" in PAGE


def test_the_example_is_a_model() -> None:
    example = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])
    for one in example["request_models"]:
        DeclaredRequestModel.model_validate_json(json.dumps(one))


def test_every_field_of_a_ticket_is_asked_somewhere() -> None:
    asked = {name for names in FILED.values() for name in names}
    moved = {
        name
        for table in MOVES.values()
        for row in table.values()
        for move in row.values()
        for name in (*move.needs, *move.takes)
    }
    assert asked | moved == FIELDS.keys()
