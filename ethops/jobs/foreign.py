"""A command of somebody's that has the GPU for itself: waits, runs, gives back."""

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.db import Error, connection

from gpu import conf

BEAT_SECONDS = 1.0
PR_SET_PDEATHSIG = 1
KILL_AFTER_SECONDS = 30.0
"""So long a command may take to end after it was asked to."""
UNHEARD_LEASES = 2 / 3
"""The worker gives the card to others after one: by then nothing of the command may be on it."""
GUARDED_LEASES = 0.8
"""Nor where its keeper stands still, and can end nothing any more."""
INTERRUPTED, NOT_FOUND = 130, 127
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
"""What Ctrl-C sends the command: the first time, the second, and from then on."""
GUARD = 'while [ -n "$(timeout "$1" head -c 1)" ]; do :; done; kill -s KILL -- "-$0" 2>/dev/null'
"""Waits until its keeper closes the pipe, dies or stands still, then ends a process group."""
BEGIN = 'kill -s STOP $$; exec "$@"'
"""The command stands until it has its guard: one that began before would have none for a moment."""
ALIVE = b"."

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Foreign:
    """One command and its place in the queue; `tell` says in words what happens."""

    job_id: UUID
    command: Sequence[str]
    environment: Mapping[str, str]
    tell: Callable[[str], None]
    _said: str = field(default="wait", init=False)
    _asked_at: float = field(default=0.0, init=False)
    _heard_at: float = field(default_factory=time.monotonic, init=False)

    def run(self) -> int:
        """Wait for the card, run the command, give the card back; its exit status.

        Ctrl-C goes to the command; while it waits, it leaves the queue.
        """
        status = INTERRUPTED
        # A keeper that stands still is not heard, and its guard would end the command.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        try:
            if self._wait():
                status = self._run()
        except KeyboardInterrupt:
            self.tell("Left the queue.")
        finally:
            self._over(status)
        return status

    def _wait(self) -> bool:
        while (said := self._beat()) == "wait":
            time.sleep(BEAT_SECONDS)
        if said == "over":
            self.tell("The request has ended before it had the card.")
        return said != "over"

    def _run(self) -> int:
        """Run the command and return its status as a shell would, while the card is kept."""
        self.tell("The card is yours.")
        if shutil.which(self.command[0], path=self.environment.get("PATH")) is None:
            self.tell(f"There is no command {self.command[0]!r}.")
            return NOT_FOUND
        interrupts = 0
        with _guarded(self.command, self.environment) as (child, guard):
            while child.poll() is None:
                try:
                    # Until here a Ctrl-C waited, so that it finds a command to end.
                    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
                    with suppress(BrokenPipeError):  # it has ended the command
                        os.write(guard, ALIVE)
                    self._attend(child)
                except KeyboardInterrupt:
                    _signal(child, STOPS[min(interrupts, len(STOPS) - 1)])
                    interrupts += 1
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def _attend(self, child: "subprocess.Popen[bytes]") -> None:
        """Say that the command lives, pass on that it has to end, and wait a moment."""
        if self._beat() in ("give_back", "over") and not self._asked_at:
            self.tell("The card is wanted back: the command is asked to end.")
            self._asked_at = time.monotonic()
            _signal(child, signal.SIGTERM)
        now = time.monotonic()
        unheard = now - self._heard_at > UNHEARD_LEASES * conf.lease_seconds()
        if unheard or (self._asked_at and now - self._asked_at > KILL_AFTER_SECONDS):
            _signal(child, signal.SIGKILL)
        _nap(child)

    def _beat(self) -> str:
        """Return wait, yours, give_back or over; what was last said while nobody can be asked."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT gpu.foreign_beat(%s)", [self.job_id])
                self._said = str(cursor.fetchone()[0])
            self._heard_at = time.monotonic()
        except Error as fault:
            self.tell(f"The database does not answer: {str(fault).splitlines()[0]}")
            connection.close()
        return self._said

    def _over(self, status: int) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT gpu.foreign_over(%s, %s)", [self.job_id, status])
                cursor.execute("SELECT gpu.cancel(%s, 'its command is over')", [self.job_id])
        except Error:
            # Its worker gives the card to others when nothing is heard of us any more.
            connection.close()


@contextmanager
def _guarded(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Start a command in a group of its own; nothing of the group outlives the block, or us.

    In the block SIGINT is blocked until it is let in. Its guard wants to hear of us: the second
    value is the pipe to it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    child = subprocess.Popen(
        ("/bin/sh", "-c", BEGIN, "sh", *command),
        env=dict(environment),
        start_new_session=True,
        preexec_fn=_end_with_keeper,  # noqa: PLW1509 - one system call, no lock taken
    )
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    ours, theirs = os.pipe()
    silence = f"{GUARDED_LEASES * conf.lease_seconds():g}"
    guard = subprocess.Popen(
        ("/bin/sh", "-c", GUARD, str(child.pid), silence), stdin=ours, start_new_session=True
    )
    os.close(ours)
    _signal(child, signal.SIGCONT)
    try:
        yield child, theirs
    finally:
        os.close(theirs)
        guard.wait()
        child.wait()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_keeper() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Who holds the card for the command is not there to give it back: then nobody may use it.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    # The command is a group of its own: what it started hears it, too.
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _nap(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(BEAT_SECONDS)
    except subprocess.TimeoutExpired:
        return
