"""The supervisor: starts a stack in order, keeps it alive, and stops it clean.

One thread of its own starts every process and lives until all have ended: the kernel kills a
child when the thread that forked it ends, so nothing outlives a killed supervisor.
"""

import os
import platform
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from types import TracebackType
from typing import Self

import psutil

from ethops import secretfile
from ethops.env import CLONE
from ethops.stack import database, places, ports, prepare, redis_server, roles
from ethops.stack.child import Child, State, stop_all
from ethops.stack.errors import (
    NotRunningError,
    ServerFailedError,
    StackError,
    StateLockedError,
)
from ethops.stack.keeper import Keeper
from ethops.stack.layout import DATABASE, Layout
from ethops.stack.matrix import Process, Seen, processes
from ethops.stack.progress import Line, Mark, Tell, say_nothing
from ethops.stack.restarts import RestartPolicy
from ethops.stack.sightings import SeeDatabase, SeeRedis, SeeWeb, Sightings, Watchers
from ethops.stack.spawn import spawn, stand_back
from ethops.stack.status import ProcessStatus, StackStatus, clear_status, write_status

READY_SECONDS = 120.0
ROUND_SECONDS = 0.1
STATUS_SECONDS = 2.0


class Turn(Enum):
    """What comes between lines."""

    READY = auto()
    ENDED = auto()


class Supervisor:
    """One stack, from `start` to `stop`; also a context manager."""

    def __init__(
        self,
        layout: Layout,
        *,
        policy: RestartPolicy | None = None,
        check: Callable[[], int] | None = None,
        only: Container[str] | None = None,
    ) -> None:
        """`check` runs first of all: it counts cautions, or refuses the start with StackError.

        `only` names the house's processes that are wanted; cards are always served.
        """
        self._only = only
        self.layout = layout
        self.admin_made = False
        self._log = layout.state / "log" / "up.log"
        self._policy = policy or RestartPolicy()
        self._check = check
        self._children: list[Child] = []
        self._sightings = Sightings()
        self._watchers = Watchers()
        self._lines: queue.SimpleQueue[Line | Turn] = queue.SimpleQueue()
        self._ready = False
        self._stop = threading.Event()
        self._fault: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._started_at = time.time()

    # What callers use

    def start(self, tell: Tell = say_nothing) -> None:
        """Start everything and return when all of it has shown itself.

        Raises:
            StackError: what was refused; then nothing is left running.
        """
        self._thread = threading.Thread(target=self._live, name="supervisor")
        self._thread.start()
        self.follow(tell)

    def follow(self, tell: Tell) -> None:
        """Pass on every further line until the stack is ready, or else until it has stopped.

        Raises:
            StackError: what ended it, if nobody asked for the stop.
        """
        while isinstance(line := self._lines.get(), Line):
            tell(line)
        if line is Turn.ENDED and self._fault is not None:
            raise self._fault

    def request_stop(self) -> None:
        """Ask for the stop and return at once; safe in a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """Stop everything in reverse order and return when it has ended."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def processes(self) -> tuple[ProcessStatus, ...]:
        """Every process as it is now."""
        return tuple(self._status_of(child) for child in self._children)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process and return its pid; NotRunningError if it does not run."""
        for child in self._children:
            pid = child.pid
            if child.name == name and pid is not None:
                os.kill(pid, how)
                return pid
        raise NotRunningError(f"{name} does not run now", hint="See `processes()`.")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # What the supervisor's own thread does

    def _live(self) -> None:
        try:
            with places.locked(self.layout.state):
                try:
                    keeper = self._open()
                    self._keep(keeper)
                finally:
                    self._close()
        except StateLockedError as fault:
            self._lines.put(Line(Mark.NO, "checks", str(fault)))
            self._fault = fault
        except BaseException as fault:  # noqa: BLE001  handed to the caller of start()
            self._fault = fault
        finally:
            self._lines.put(Turn.ENDED)

    def _open(self) -> Keeper:
        with self._stage("checks") as say:
            cautions = self._check() if self._check is not None else 0
            told = f", cautions: {cautions} (`manage.py check` says which)" if cautions else ""
            say(self._check_machine() + told)
        places.make(self.layout.where)
        self._start_servers()
        with self._stage("schema") as say:
            say(self._prepare())
        with self._stage("processes") as say:
            keeper = self._start_processes()
            say(", ".join(process.name for process in self._matrix()))
        self._ready = True
        self._write_status()
        self._lines.put(Turn.READY)
        self._watchers.calm()
        return keeper

    def _check_machine(self) -> str:
        taken = self.layout.ports
        wanted = {"web": taken.web, "flower": taken.flower}
        if not self.layout.database_url:
            wanted["postgres"] = taken.postgres
        if not self.layout.redis_url:
            wanted["redis"] = taken.redis
        for name, port in wanted.items():
            ports.require_free(name, port)
        free = psutil.virtual_memory().available / 1e9
        version = ".".join(platform.python_version_tuple()[:2])
        return f"Python {version}, {os.cpu_count()} cores, {free:.1f} GB free, ports free"

    def _start_servers(self) -> None:
        server = self.layout.redis
        if server is not None:
            self._adopt("redis", server.spawn, Seen.PING, stop_group=2)
            self._children[-1].start()
        with self._stage("database") as say:
            say(self._start_postgres())
        with self._stage("redis") as say:
            running = self._children[0].process if server is not None else None
            if server is None or running is None:
                version = redis_server.outside_version(self.layout.redis_url)
                say(f"{version}, an outside server")
            else:
                say(f"{server.wait(running)}, wakes workers only")

    def _start_postgres(self) -> str:
        server = self.layout.postgres
        if server is None:
            version = database.outside_version(self.layout.dsn("ethops_app"))
            return f"PostgreSQL {version}, an outside server"
        self._adopt("postgres", server.spawn, Seen.SQL, stop_group=3, how=signal.SIGINT, wait=30)
        running, version = server.start()
        self._children[-1].started(running)
        roles.bootstrap(server.superuser_dsn(), DATABASE, self.layout.secrets.role_passwords)
        return f"PostgreSQL {version}, pgvector, {len(roles.ROLES)} roles"

    def _prepare(self) -> str:
        mark = prepare.fingerprint(self.layout.site_file, str(self.layout.gpu))
        if prepare.is_current(self.layout.dsn("ethops_app"), mark):
            return "current"
        done = prepare.prepare(self.layout.environment("owner"), self.layout.where.log("prepare"))
        self.admin_made = done.admin_made
        if done.admin_made:
            password = self.layout.secrets.admin_password
            secretfile.write_private(self.layout.state / "admin.txt", password + "\n")
        prepare.set_current(self.layout.dsn("ethops_owner"), mark)
        return f"{done.applied or 'no'} migrations applied, site loaded"

    def _start_processes(self) -> Keeper:
        rows = SeeDatabase(self.layout.dsn("ethops_app"), self._sightings.saw)
        rows.learn()
        for process in self._matrix():
            self._adopt(
                process.name, self._starter(process), process.seen, stop_group=process.stop_group
            )
            self._children[-1].start()
            if process.seen is Seen.HTTP:
                self._watch_http(process)
        self._watchers.watch("postgres", rows)
        self._watchers.watch("redis", SeeRedis(self.layout.wakeups(), self._sightings.saw))
        keeper = Keeper(self._children, self._sightings, self._policy, self._tell)
        self._await_all(keeper)
        return keeper

    def _await_all(self, keeper: Keeper) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not keeper.all_up():
            if self._stop.is_set():
                raise StackError("stopped while starting", hint="Start again when you like.")
            keeper.round()
            self._write_status()
            lost = [child for child in self._children if child.state is State.GIVEN_UP]
            if lost or time.monotonic() > deadline:
                late = lost or [c for c in self._children if c.state is not State.UP]
                raise ServerFailedError(
                    f"not ready: {', '.join(child.name for child in late)}",
                    hint="Its log says why.",
                    log=self.layout.where.log(late[0].name),
                )
            self._stop.wait(ROUND_SECONDS)

    def _keep(self, keeper: Keeper) -> None:
        due = 0.0
        while not self._stop.wait(ROUND_SECONDS):
            changed = keeper.round()
            if changed or time.monotonic() > due:
                self._write_status()
                due = time.monotonic() + STATUS_SECONDS

    def _close(self) -> None:
        self._watchers.stop()
        for group in sorted({child.stop_group for child in self._children}):
            stop_all([child for child in self._children if child.stop_group == group])
        clear_status(self.layout.state)

    # Small parts

    def _matrix(self) -> tuple[Process, ...]:
        found = processes(self.layout.ports, self.layout.cards, bus=self.layout.bus)
        return tuple(
            each for each in found if self._only is None or each.card or each.name in self._only
        )

    def _adopt(
        self,
        name: str,
        start: Callable[[], subprocess.Popen[bytes]],
        seen: Seen,
        *,
        stop_group: int,
        how: signal.Signals = signal.SIGTERM,
        wait: float = 10.0,
    ) -> None:
        self._children.append(Child(name, start, seen, stop_group, how, wait))

    def _starter(self, process: Process) -> Callable[[], subprocess.Popen[bytes]]:
        def start() -> subprocess.Popen[bytes]:
            started = spawn(
                process.command,
                environment=self.layout.environment(process.kind, process.card),
                folder=CLONE,
                log=self.layout.where.log(process.name),
            )
            if process.stands_back:
                stand_back(started.pid)
            return started

        return start

    def _watch_http(self, process: Process) -> None:
        base, well = {
            "web": (self.layout.web_url, 299),
            # Flower asks for a login: that it asks is the sign of life.
            "flower": (self.layout.flower_url, 499),
        }[process.name]
        look = SeeWeb(process.name, base + process.path, self._sightings.saw, well=well)
        self._watchers.watch(process.name, look)

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[str], None]]:
        facts: list[str] = []
        began = time.monotonic()
        try:
            yield facts.append
        except StackError as fault:
            fault.log = fault.log or self._log
            self._tell(Line(Mark.NO, name, str(fault)))
            raise
        self._tell(Line(Mark.OK, name, "".join(facts), time.monotonic() - began))

    def _tell(self, line: Line) -> None:
        self._lines.put(line)
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        with self._log.open("a", encoding="utf-8") as stream:
            stream.write(f"{stamp} {line.mark} {line.name}: {line.fact}\n")

    def _write_status(self) -> None:
        write_status(
            self.layout.state,
            StackStatus(
                pid=os.getpid(),
                ready=self._ready,
                started_at=self._started_at,
                web=self.layout.web_url,
                flower=self.layout.flower_url,
                processes=self.processes(),
            ),
        )

    def _status_of(self, child: Child) -> ProcessStatus:
        now = time.monotonic()
        last = self._sightings.last(child.name)
        return ProcessStatus(
            name=child.name,
            pid=child.pid,
            state=child.state.value,
            up_seconds=round(now - child.started_at, 1) if child.pid else 0.0,
            restarts=child.restarts,
            seen_seconds_ago=None if last is None else round(now - last, 1),
        )
