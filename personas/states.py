"""States of runs, verdicts of the gate, outcomes of actions, levels of autonomy."""

from typing import Literal, TypeAlias

RUN_MOVES: dict[str, frozenset[str]] = {
    # pending: waits for a place
    "pending": frozenset({"starting", "failed", "paused", "isolated", "cancelled", "timed_out"}),
    # starting: has its place, and no worker yet
    "starting": frozenset(
        {"running", "parked", "failed", "paused", "isolated", "cancelled", "timed_out"}
    ),
    # running: a worker takes its step
    "running": frozenset(
        {"waiting", "succeeded", "failed", "paused", "isolated", "cancelled", "timed_out"}
    ),
    # waiting: between two steps
    "waiting": frozenset(
        {"running", "parked", "failed", "paused", "isolated", "cancelled", "timed_out"}
    ),
    # parked: nothing of it is open but what people decide about; no place, and its clock stands
    "parked": frozenset({"pending", "paused", "isolated", "cancelled"}),
    "succeeded": frozenset(),
    # failed: after a fault that may pass only for an instant, unless its retries are used up
    "failed": frozenset({"retrying"}),
    # retrying: its step is taken again after a while
    "retrying": frozenset({"running", "failed", "paused", "isolated", "cancelled", "timed_out"}),
    "timed_out": frozenset(),
    "cancelled": frozenset(),
    # paused: set aside by a person; its permits wait with it
    "paused": frozenset({"pending", "isolated", "cancelled"}),
    # isolated: set aside by a person; its permits are void, and another run may have the ticket
    "isolated": frozenset({"pending", "cancelled"}),
}
"""The same table as `gate.run_move`, which a trigger holds every row to."""
RUN_STATES = tuple(RUN_MOVES)
LIVE = ("pending", "starting", "running", "waiting", "parked", "paused", "retrying")
"""Not over; at most one per ticket."""
HAS_PLACE = ("starting", "running", "waiting", "retrying")
"""Counted against the places of its card and its environment."""
ENDS = ("succeeded", "failed", "timed_out", "cancelled")
"""How a run may be over."""

MOST_RETRIES = 3
"""Of one intent; then it lies in the dead letters."""

Control: TypeAlias = Literal["pause", "resume", "isolate", "cancel", "restart", "retry"]
"""What a named person may tell a run."""
CONTROLS: tuple[Control, ...] = ("pause", "resume", "isolate", "cancel", "restart", "retry")


def may_move(old: str, new: str) -> bool:
    """Tell whether a run may go from one state to another."""
    return new in RUN_MOVES[old]


def may_control(state: str, act: Control, *, dead_letter: bool = False) -> bool:
    """Tell whether a run in this state can be told so; the same as `gate.may_control`."""
    if act == "retry":
        return state == "failed" and dead_letter
    if act == "restart":
        return state != "succeeded"
    leads_to = {"pause": "paused", "resume": "pending", "isolate": "isolated"}
    return may_move(state, leads_to.get(act, "cancelled"))


VERDICTS = ("authorised", "denied", "observed", "proposed")
OUTCOMES = ("done", "failed", "expired", "void")

# observe: says what it would do; propose: a person approves; veto: acts after a window unless
# stopped; act.
LEVELS = ("observe", "propose", "veto", "act")

# propose: nothing happens until a person approves. veto: it happens unless somebody objects.
APPROVAL_MOVES: dict[str, frozenset[str]] = {
    "waiting": frozenset(
        {"approved", "rejected", "vetoed", "unopposed", "expired", "withdrawn", "void"}
    ),
    "approved": frozenset({"void", "expired"}),
    "unopposed": frozenset(),
    "rejected": frozenset(),
    "vetoed": frozenset(),
    "expired": frozenset(),
    "withdrawn": frozenset(),
    "void": frozenset(),
}
APPROVAL_STATES = tuple(APPROVAL_MOVES)
CHANGE_CLASSES = ("standard", "normal", "emergency")

# Where a text came from, from what we declare ourselves to what anybody may have written.
TRUST = ("declared", "person", "host", "outside")
