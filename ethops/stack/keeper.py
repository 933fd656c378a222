"""Keep children alive: start again who ended, and kill who has not been seen for too long."""

import time
from collections.abc import Callable

from ethops.stack.child import Child, State
from ethops.stack.matrix import Seen
from ethops.stack.progress import Line, Mark
from ethops.stack.restarts import RestartPolicy
from ethops.stack.sightings import Sightings

OWN_GAP_SECONDS = 5.0
"""If we ourselves stood still for this long (a suspended machine), nobody is judged for a while."""


class Keeper:
    """The rounds of the supervisor's thread; it holds no lock and is never called from another."""

    def __init__(
        self,
        children: list[Child],
        sightings: Sightings,
        policy: RestartPolicy,
        tell: Callable[[Line], None],
    ) -> None:
        self.children = children
        self.sightings = sightings
        self.policy = policy
        self.tell = tell
        self._last_round = time.monotonic()
        self._no_verdict_before = 0.0

    def round(self) -> bool:
        """Look at every child once; True if anything changed."""
        now = time.monotonic()
        if now - self._last_round > OWN_GAP_SECONDS:
            self._no_verdict_before = now + self.policy.unseen_seconds
        self._last_round = now
        before = [child.state for child in self.children]
        for child in self.children:
            self._mind(child, now)
        return before != [child.state for child in self.children]

    def all_up(self) -> bool:
        """True once everything has shown itself."""
        return all(child.state is State.UP for child in self.children)

    def _mind(self, child: Child, now: float) -> None:
        code = child.ended()
        if code is not None:
            self._say_ended(child, code)
        elif child.is_due():
            self.sightings.forget(child.name)
            child.start()
        elif child.state is State.STARTING and self.sightings.last(child.name) is not None:
            child.state = State.UP
            if child.restarts:
                self.tell(Line(Mark.OK, child.name, f"runs again, pid {child.pid}"))
        elif child.state in {State.STARTING, State.UP} and self._is_hung(child, now):
            self.tell(Line(Mark.NO, child.name, "showed nothing for too long and is killed"))
            if child.process is not None:
                child.process.kill()

    def _say_ended(self, child: Child, code: int) -> None:
        child.plan(self.policy)
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit {code}"
        if child.state is State.GIVEN_UP:
            fact = f"{how} for the {self.policy.exits}th time and is given up; the others go on"
            self.tell(Line(Mark.NO, child.name, fact))
        else:
            wait = child.next_start_at - time.monotonic()
            self.tell(Line(Mark.BUSY, child.name, f"{how}; starts again in {wait:.1f} s"))

    def _is_hung(self, child: Child, now: float) -> bool:
        if now < self._no_verdict_before:
            return False
        allowed = self.policy.unseen_seconds
        last = self.sightings.last(child.name)
        if last is None:
            last, allowed = child.started_at, self.policy.starting_seconds
        if child.seen is Seen.HEARTBEAT:
            # Heartbeats pass through PostgreSQL: its absence is nobody else's fault.
            steady = self.sightings.steady_since("postgres")
            heard = self.sightings.last("postgres")
            if steady is None or heard is None or now - heard > OWN_GAP_SECONDS:
                return False
            last = max(last, steady)
        return now - last > allowed
