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
