"""The state tables of tickets."""

from itertools import combinations, product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tickets import states
from adapters.tickets.errors import MoveRefusedError, NotAllowedError
from adapters.tickets.form_fields import FIELDS
from adapters.tickets.port import Role, TicketClass
from adapters.tickets.states import MOVES, VARIANTS
from ethops.executor.ticket_effects import STIMULI as OF_AGENTS
from ethops.pages.words import MOVE_WORDS, TICKET_STATES
from ethops.world import story

CLASSES: list[TicketClass] = list(MOVES)
KINDS: list[tuple[TicketClass, str]] = [(name, of) for name in CLASSES for of in VARIANTS[name]]
ROLES: tuple[Role, ...] = get_args(Role)
EVERYBODY = frozenset(ROLES)
walks = st.lists(st.sampled_from(states.all_stimuli()), max_size=30)
each_kind = pytest.mark.parametrize(("ticket_class", "variant"), KINDS, ids=map("-".join, KINDS))


def walk(ticket_class: TicketClass, variant: str, stimuli: list[str]) -> list[str]:
    visited = [states.INITIAL]
    for stimulus in stimuli:
        try:
            there = states.move(ticket_class, visited[-1], stimulus, EVERYBODY, variant)
            visited.append(there.to)
        except MoveRefusedError:
            visited.append(visited[-1])
    return visited


@each_kind
def test_a_move_is_made_exactly_where_the_table_has_it_for_one_of_the_roles(
    ticket_class: TicketClass, variant: str
) -> None:
    """Every state, every stimulus, every set of roles."""
    sets = [frozenset(some) for n in range(len(ROLES) + 1) for some in combinations(ROLES, n)]
    for state, stimulus, roles in product(MOVES[ticket_class], states.all_stimuli(), sets):
        move = MOVES[ticket_class][state].get(stimulus)
        there = move is not None and (not move.of or variant in move.of)
        expected: object = MoveRefusedError
        if move is not None and there:
            expected = move if move.by & roles else NotAllowedError
        found: object
        try:
            found = states.move(ticket_class, state, stimulus, roles, variant)
        except (MoveRefusedError, NotAllowedError) as fault:
            found = type(fault)
        assert found == expected, (state, stimulus, roles)


@each_kind
@given(stimuli=walks)
def test_no_walk_leaves_the_table(
    ticket_class: TicketClass, variant: str, stimuli: list[str]
) -> None:
    assert set(walk(ticket_class, variant, stimuli)) <= set(states.states(ticket_class))


@each_kind
@given(stimuli=walks)
def test_closed_is_for_ever(ticket_class: TicketClass, variant: str, stimuli: list[str]) -> None:
    visited = walk(ticket_class, variant, stimuli)
    if "closed" in visited:
        assert set(visited[visited.index("closed") :]) == {"closed"}


@given(stimuli=walks)
def test_an_incident_is_closed_only_after_it_was_resolved(stimuli: list[str]) -> None:
    visited = walk("incident", "", stimuli)
    if "closed" in visited:
        assert visited[visited.index("closed") - 1] == "resolved"


@given(stimuli=walks)
def test_no_careful_change_begins_without_an_approval(stimuli: list[str]) -> None:
    for variant in states.CAREFUL:
        visited = walk("change", variant, stimuli)
        if "implementing" in visited:
            assert "approved" in visited[: visited.index("implementing")]


@given(stimuli=walks)
def test_nobody_works_on_a_request_that_was_not_approved(stimuli: list[str]) -> None:
    visited = walk("request", "with_approver", stimuli)
    if "assigned" in visited:
        assert "approved" in visited[: visited.index("assigned")]


def reached(ticket_class: TicketClass, variant: str) -> set[str]:
    found = {states.INITIAL}
    for _ in MOVES[ticket_class]:
        found |= {
            move.to
            for state in found
            for move in states.moves(ticket_class, state, variant).values()
        }
    return found


@pytest.mark.parametrize("ticket_class", CLASSES)
def test_every_state_is_reached_by_some_kind(ticket_class: TicketClass) -> None:
    found = set().union(*(reached(ticket_class, one) for one in VARIANTS[ticket_class]))
    assert found == set(MOVES[ticket_class])


@each_kind
def test_every_state_that_is_reached_can_end(ticket_class: TicketClass, variant: str) -> None:
    ends = {"closed"}
    there = reached(ticket_class, variant)
    for _ in there:
        ends |= {
            state
            for state in there
            if {move.to for move in states.moves(ticket_class, state, variant).values()} & ends
        }
    assert there <= ends


def moves_for(role: Role) -> set[tuple[str, str]]:
    return {
        (ticket_class, stimulus)
        for ticket_class, table in MOVES.items()
        for row in table.values()
        for stimulus, move in row.items()
        if role in move.by
    }


def test_agents_resolve_and_never_close_wait_or_approve() -> None:
    assert {stimulus for _, stimulus in moves_for("agent")} == set(OF_AGENTS.values())
    assert {ticket_class for ticket_class, _ in moves_for("agent")} == {"incident", "request"}
    assert not set(OF_AGENTS.values()) & {"ev_close", "ev_pending", "ev_approve", "ev_reopen"}


@pytest.mark.parametrize("ticket_class", ["incident", "request"])
def test_a_requester_or_a_rule_closes(ticket_class: TicketClass) -> None:
    assert MOVES[ticket_class]["resolved"]["ev_close"].by == {"requester", "rule"}


def test_only_approvers_approve() -> None:
    assert {stimulus for _, stimulus in moves_for("approver")} == {
        "ev_approve", "ev_notapprove", "ev_reject",
    }  # fmt: skip


def test_executors_move_changes_alone() -> None:
    assert {ticket_class for ticket_class, _ in moves_for("executor")} == {"change"}


def test_a_requester_sets_no_priority_and_no_team() -> None:
    for table in MOVES.values():
        for row in table.values():
            for move in row.values():
                if "requester" in move.by:
                    assert set(move.needs) | set(move.takes) <= {"decision"}


def test_a_refusal_names_what_would_be_taken() -> None:
    with pytest.raises(
        MoveRefusedError, match=r"closed incident does not take ev_resolve.*no stim"
    ):
        states.move("incident", "closed", "ev_resolve", EVERYBODY)


def test_a_refusal_names_whose_it_is() -> None:
    with pytest.raises(NotAllowedError, match="is for operator to give, not for agent"):
        states.move("incident", "assigned", "ev_pending", frozenset({"agent"}))


def test_only_settled_states_ask_nothing_of_anybody() -> None:
    assert [s for s in states.states("incident") if states.is_open(s)] == [
        "new",
        "assigned",
        "pending",
        "escalated",
    ]
    assert set(states.all_states()) >= states.SETTLED | states.WAITING


def test_every_field_of_a_move_is_known() -> None:
    for table in MOVES.values():
        for row in table.values():
            for move in row.values():
                assert set(move.needs) | set(move.takes) <= FIELDS.keys()


def test_every_state_and_every_stimulus_has_words() -> None:
    assert set(states.all_states()) == TICKET_STATES.keys()
    assert set(states.all_stimuli()) == MOVE_WORDS.keys() == story.MOVES.keys()
