"""The status file: what the supervisor says of itself to `status` and `down`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ethops.secretfile import write_private
from ethops.stack.places import is_locked


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process as a person sees it."""

    name: str
    pid: int | None
    state: str
    up_seconds: float
    restarts: int
    seen_seconds_ago: float | None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The whole stack at one moment."""

    pid: int
    ready: bool
    started_at: float
    web: str
    flower: str
    processes: tuple[ProcessStatus, ...]


def write_status(state: Path, status: StackStatus) -> None:
    """Replace the file whole."""
    write_private(_path(state), json.dumps(asdict(status), indent=1), durable=False)


def clear_status(state: Path) -> None:
    """Nothing runs any more."""
    _path(state).unlink(missing_ok=True)


def read_status(state: Path) -> StackStatus | None:
    """What runs in this folder; None if nothing does, whatever an old file may say."""
    if not is_locked(state):
        return None
    try:
        found = json.loads(_path(state).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    parts = tuple(ProcessStatus(**entry) for entry in found.pop("processes"))
    return StackStatus(**found, processes=parts)


def is_alive(pid: int) -> bool:
    """True while this process runs; one that nobody has buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _path(state: Path) -> Path:
    return state / "run" / "status.json"
