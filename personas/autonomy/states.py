"""States of the fleet's breaker, and what can be said of a change afterwards."""

BREAKER_MOVES: dict[str, frozenset[str]] = {
    "closed": frozenset({"open"}),
    "open": frozenset({"half_open", "closed"}),
    "half_open": frozenset({"open", "closed"}),
}
BREAKER_STATES = tuple(BREAKER_MOVES)

# unknown: nobody can say yet, or the CI was well by itself.
VERDICTS = ("right", "wrong", "unknown")
