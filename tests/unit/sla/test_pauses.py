"""Who may stop a clock: what an agent does never pauses one."""

import pytest

from adapters.tickets.states import MOVES, Move
from ethops.sla.stopwatch import KINDS, PHASES

PAUSING = [
    (ticket_class, state, stimulus, move)
    for ticket_class, table in MOVES.items()
    for state, row in table.items()
    for stimulus, move in row.items()
    if any(PHASES[kind](move.to) == "paused" for kind in KINDS)
]


def test_there_are_moves_that_pause() -> None:
    assert {stimulus for _, _, stimulus, _ in PAUSING} == {"ev_pending", "ev_wait_for_approval"}


@pytest.mark.parametrize(
    ("ticket_class", "state", "stimulus", "move"), PAUSING, ids=lambda part: str(part)[:24]
)
def test_no_agent_may_make_a_move_that_pauses(
    ticket_class: str, state: str, stimulus: str, move: Move
) -> None:
    assert "agent" not in move.by, (ticket_class, state, stimulus)
