"""One supervised process: its state, its ends and its next start."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ethops.stack.matrix import Seen
from ethops.stack.restarts import Exit, RestartPolicy, next_delay


class State(StrEnum):
    """What a person is told of a process."""

    STARTING = "starting"
    UP = "up"
    RESTARTING = "restarting"
    GIVEN_UP = "given up"
    STOPPED = "stopped"


@dataclass(slots=True)
class Child:
    """A process that the supervisor keeps alive; only the keeper's thread writes here."""

    name: str
    spawn: Callable[[], subprocess.Popen[bytes]]
    seen: Seen
    stop_group: int
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    state: State = State.STOPPED
    started_at: float = 0.0
    next_start_at: float = 0.0
    ends: list[Exit] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    @property
    def restarts(self) -> int:
        """How often it ended although it should not have."""
        return len(self.ends)

    def start(self) -> None:
        """Start it now."""
        self.process = self.spawn()
        self.started(self.process)

    def started(self, process: subprocess.Popen[bytes]) -> None:
        """Take over a process that was just started."""
        self.process = process
        self.state = State.STARTING
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """Its exit code, if it runs no more although it should."""
        if self.process is None or self.state not in {State.STARTING, State.UP}:
            return None
        return self.process.poll()

    def plan(self, policy: RestartPolicy) -> None:
        """Decide after an end when it starts again, or that it is given up."""
        now = time.monotonic()
        self.ends.append(Exit(at=now, lived=now - self.started_at))
        delay = next_delay(policy, self.ends)
        if delay is None:
            self.state = State.GIVEN_UP
        else:
            self.state = State.RESTARTING
            self.next_start_at = now + delay

    def is_due(self) -> bool:
        """True when its next start has come."""
        return self.state is State.RESTARTING and time.monotonic() >= self.next_start_at


def stop_all(children: list[Child]) -> None:
    """Ask all of a group to end at once, wait, and kill whoever stays."""
    running = [child for child in children if child.pid is not None]
    for child in running:
        if child.process is not None:
            child.process.send_signal(child.stop_signal)
            # A stopped (frozen) process takes no other signal until it goes on.
            child.process.send_signal(signal.SIGCONT)
    for child in running:
        if child.process is not None:
            try:
                child.process.wait(child.stop_seconds)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
    for child in children:
        if child.state is not State.GIVEN_UP:
            child.state = State.STOPPED
