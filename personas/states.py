"""States of runs, verdicts of the gate, outcomes of actions, levels of autonomy."""

RUN_MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"running", "cancelled", "timed_out"}),
    "running": frozenset({"waiting", "succeeded", "failed", "cancelled", "timed_out"}),
    "waiting": frozenset({"running", "failed", "cancelled", "timed_out"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "timed_out": frozenset(),
}
RUN_STATES = tuple(RUN_MOVES)
LIVE = ("pending", "running", "waiting")

VERDICTS = ("authorised", "denied", "observed")
OUTCOMES = ("done", "failed", "expired", "void")

# observe: says what it would do; propose: a person approves; veto: acts after a window unless
# stopped; act.
LEVELS = ("observe", "propose", "veto", "act")
