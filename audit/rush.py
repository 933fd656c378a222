"""When the recorder looks by itself instead of being called: facts that come fast need no calls.

A call wakes every session that listens to anything, and whoever calls waits for whoever else
does. So where many facts come, the recorder says for how long it will look by itself
(`audit.look`), and `audit.put_pending` calls nobody as long as that has MARGIN to go. Whoever
commits later than that after writing is found by the next call or the next poll.
"""

from typing import Final

MANY: Final = 20
"""So many facts ..."""
WINDOW_SECONDS: Final = 0.1
"""... within this time are a rush."""

LOOKING_SECONDS: Final = 0.4
RENEWED_SECONDS: Final = 0.25
"""Said anew once less than this is left."""

SHORTEST_SECONDS: Final = 0.0005
LONGEST_SECONDS: Final = 0.004
"""Between two looks: who writes calls nobody now, so there is nothing else to wait for."""

CROWD: Final = 16
"""A look that finds so many meets people who write on without waiting for their stamp ..."""
GATHERING_SECONDS: Final = 0.012
"""... so that more come together before the next: most of a batch's cost is the batch's own."""


class Rush:
    """What came lately, and until when the recorder has promised to look."""

    def __init__(self) -> None:
        self._since = self._looked_at = self._until = float("-inf")
        self._met = self._last = self._in_vain = 0

    def met(self, count: int, looked_at: float) -> None:
        """Take in what one look, which began then, has found."""
        if looked_at - self._since > WINDOW_SECONDS:
            self._since, self._met = looked_at, 0
        self._looked_at = looked_at
        self._met += count
        self._last = count
        self._in_vain = 0 if count else self._in_vain + 1

    def needs_promise(self, now: float) -> bool:
        """True where it pays to look from now on, and that is not promised for long enough."""
        return self._met >= MANY and self._until - now < RENEWED_SECONDS

    def promised(self, now: float) -> None:
        """Take in that it was said just now."""
        self._until = now + LOOKING_SECONDS

    def pause(self) -> float | None:
        """Return how long to wait before the next look; None where a call will come.

        The promise is kept once a look began after its end: one that began before may have
        missed what came while its facts were written down.
        """
        if self._looked_at >= self._until:
            return None
        if self._last >= CROWD:
            return GATHERING_SECONDS
        return min(SHORTEST_SECONDS * 2.0 ** min(self._in_vain, 10), LONGEST_SECONDS)
