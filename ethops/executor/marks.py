"""Every process of a play carries the action's id in its environment, and is found by it.

Process groups do not do: Ansible's workers and runner's terminal each begin a session of their
own, and a killed parent leaves its children to somebody else. The environment is inherited.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

import psutil

NAME = "ETHOPS_PLAY"
PATIENCE_SECONDS = 5.0
GRACE_SECONDS = 2.0
"""So long a play that is called off may take to end by itself."""
TICK_SECONDS = 0.02


def mark(action_id: UUID) -> dict[str, str]:
    """Return the variable that marks a play's processes."""
    return {NAME: str(action_id)}


def alive(action_id: UUID) -> list[psutil.Process]:
    """Return the play's processes that still run on this host, ourselves left out."""
    return [process for process in _readable() if _mark_of(process) == str(action_id)]


def end(action_id: UUID, *, grace_seconds: float = GRACE_SECONDS) -> bool:
    """Ask the play's processes to end, and kill what is left after the grace; as `kill` returns."""
    for process in alive(action_id):
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    late = time.monotonic() + grace_seconds
    while alive(action_id) and time.monotonic() < late:
        time.sleep(TICK_SECONDS)
    return kill(action_id)


def kill(action_id: UUID) -> bool:
    """Kill the play's processes until none is left; False where one outlives the patience."""
    end = time.monotonic() + PATIENCE_SECONDS
    while found := alive(action_id):
        if time.monotonic() >= end:
            return False
        for process in found:
            _kill(process)
        time.sleep(TICK_SECONDS)
    return True


def _readable() -> Iterator[psutil.Process]:
    ourselves = psutil.Process().pid
    for process in psutil.process_iter():
        if process.pid != ourselves:
            yield process


def _mark_of(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return process.environ().get(NAME, "")
    except (psutil.Error, OSError):
        return ""


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
