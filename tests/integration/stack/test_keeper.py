"""The rounds of the supervisor, over small real processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ethops.stack.child import Child, State, stop_all
from ethops.stack.keeper import Keeper
from ethops.stack.matrix import Seen
from ethops.stack.progress import Line, Mark
from ethops.stack.restarts import RestartPolicy
from ethops.stack.sightings import Sightings
from ethops.stack.spawn import spawn
from ethops.stack.status import is_alive

ENDS_AT_ONCE = "raise SystemExit(3)"
LIVES = "import time; time.sleep(600)"
QUICK = RestartPolicy(first_delay_seconds=0.01, unseen_seconds=0.5, starting_seconds=0.5)

Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Child] = []

    def make(name: str, script: str, seen: Seen = Seen.PING) -> Child:
        child = Child(
            name,
            lambda: spawn(
                [sys.executable, "-c", script],
                environment={},
                folder=tmp_path,
                log=tmp_path / f"{name}.log",
            ),
            seen,
            stop_group=0,
        )
        made.append(child)
        child.start()
        return child

    yield make
    stop_all(made)


def rounds(keeper: Keeper, until: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        keeper.round()
        time.sleep(0.01)


def test_a_crash_loop_is_given_up_said_aloud_and_the_others_go_on(make: Make) -> None:
    told: list[Line] = []
    sightings = Sightings()
    sightings.saw("well")
    broken, well = make("broken", ENDS_AT_ONCE), make("well", LIVES)
    patient = RestartPolicy(first_delay_seconds=0.01)
    keeper = Keeper([broken, well], sightings, patient, told.append)
    pid = well.pid
    rounds(keeper, lambda: broken.state is State.GIVEN_UP)
    assert [line.mark for line in told] == [Mark.BUSY] * 4 + [Mark.NO]
    assert "exit 3" in told[-1].fact
    assert "given up" in told[-1].fact
    assert (well.state, well.pid) == (State.UP, pid)


def test_a_process_that_is_never_seen_is_killed_and_started_again(make: Make) -> None:
    told: list[Line] = []
    child = make("silent", LIVES)
    first = child.pid
    keeper = Keeper([child], Sightings(), QUICK, told.append)
    rounds(keeper, lambda: child.restarts == 1 and child.pid not in {None, first})
    assert told[0].fact == "showed nothing for too long and is killed"


def test_nobody_is_judged_by_heartbeat_while_postgresql_is_away(make: Make) -> None:
    child = make("worker", LIVES, Seen.HEARTBEAT)
    keeper = Keeper([child], Sightings(), QUICK, lambda _: None)
    first = child.pid
    began = time.monotonic()
    rounds(keeper, lambda: time.monotonic() - began > 3 * QUICK.starting_seconds)
    assert child.pid == first


def test_nobody_is_judged_just_after_the_supervisor_itself_stood_still(make: Make) -> None:
    child = make("worker", LIVES)
    keeper = Keeper([child], Sightings(), QUICK, lambda _: None)
    keeper._last_round -= 60
    child.started_at -= 60
    keeper.round()
    assert child.pid is not None
    rounds(keeper, lambda: child.restarts == 1)


def test_a_child_dies_with_the_thread_that_started_it(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from ethops.stack.spawn import spawn
child = spawn([sys.executable, "-c", {LIVES!r}], environment={{}},
              folder=Path({str(tmp_path)!r}), log=Path({str(tmp_path / "child.log")!r}))
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
