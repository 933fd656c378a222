"""States of durable work and the moves between them.

The same table guards the database: `audit.legal_move` refuses every other pair, and a test
holds the two together.
"""

from enum import StrEnum


class WorkState(StrEnum):
    """Where one piece of work stands."""

    WAITING = "waiting"
    READY = "ready"
    LEASED = "leased"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


class WorkKind(StrEnum):
    """What sort of work a row stands for."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    SWEEP = "sweep"
    STEP = "step"
    INFERENCE = "inference"
    EFFECT = "effect"


MOVES: dict[WorkState, frozenset[WorkState]] = {
    # waiting: authorised, not yet in the ledger
    WorkState.WAITING: frozenset({WorkState.READY, WorkState.CANCELLED}),
    WorkState.READY: frozenset({WorkState.LEASED, WorkState.CANCELLED}),
    WorkState.LEASED: frozenset(
        {
            WorkState.DONE,
            WorkState.FAILED,
            WorkState.READY,
            WorkState.DEAD,
            WorkState.IN_DOUBT,
            WorkState.CANCELLED,
        }
    ),
    # in doubt: an effect whose outcome nobody has reported
    WorkState.IN_DOUBT: frozenset(
        {WorkState.DONE, WorkState.FAILED, WorkState.READY, WorkState.DEAD}
    ),
    WorkState.DONE: frozenset(),
    WorkState.FAILED: frozenset(),
    WorkState.CANCELLED: frozenset(),
    WorkState.DEAD: frozenset(),
}

OPEN = frozenset({WorkState.WAITING, WorkState.READY, WorkState.LEASED, WorkState.IN_DOUBT})


def may_move(old: WorkState, new: WorkState) -> bool:
    """Tell whether work may go from one state to another."""
    return new in MOVES[old]
