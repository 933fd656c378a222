"""The state tables of tickets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tickets import states
from adapters.tickets.errors import MoveRefusedError
from adapters.tickets.port import TicketClass

CLASSES: list[TicketClass] = ["incident", "change"]
STIMULI = sorted({s for table in states.MOVES.values() for row in table.values() for s in row})
walks = st.lists(st.sampled_from(STIMULI), max_size=30)


def walk(ticket_class: TicketClass, stimuli: list[str]) -> list[str]:
    visited = [states.INITIAL]
    for stimulus in stimuli:
        try:
            visited.append(states.move(ticket_class, visited[-1], stimulus))
        except MoveRefusedError:
            visited.append(visited[-1])
    return visited


@pytest.mark.parametrize("ticket_class", CLASSES)
@given(stimuli=walks)
def test_no_walk_leaves_the_table(ticket_class: TicketClass, stimuli: list[str]) -> None:
    assert set(walk(ticket_class, stimuli)) <= set(states.states(ticket_class))


@pytest.mark.parametrize("ticket_class", CLASSES)
@given(stimuli=walks)
def test_closed_is_for_ever(ticket_class: TicketClass, stimuli: list[str]) -> None:
    visited = walk(ticket_class, stimuli)
    if "closed" in visited:
        assert set(visited[visited.index("closed") :]) == {"closed"}


@given(stimuli=walks)
def test_an_incident_is_closed_only_after_it_was_resolved(stimuli: list[str]) -> None:
    visited = walk("incident", stimuli)
    if "closed" in visited:
        assert visited[visited.index("closed") - 1] == "resolved"


@pytest.mark.parametrize("ticket_class", CLASSES)
def test_every_state_can_be_reached_and_can_end(ticket_class: TicketClass) -> None:
    table = states.MOVES[ticket_class]
    reached = {states.INITIAL}
    for _ in table:
        reached |= {after for state in reached for after in table[state].values()}
    assert reached == set(table)
    ends = {"closed"}
    for _ in table:
        ends |= {state for state, row in table.items() if set(row.values()) & ends}
    assert ends == set(table)


def test_a_refusal_names_what_would_be_taken() -> None:
    with pytest.raises(
        MoveRefusedError, match=r"closed incident does not take ev_resolve.*no stim"
    ):
        states.move("incident", "closed", "ev_resolve")


def test_only_settled_states_ask_nothing_of_anybody() -> None:
    assert [s for s in states.states("incident") if states.is_open(s)] == [
        "new",
        "assigned",
        "pending",
        "escalated",
    ]
