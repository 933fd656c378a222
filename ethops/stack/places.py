"""Where one stack keeps its things: state folder, logs, and its servers' data."""

import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ethops.stack.errors import StateLockedError

SYSTEM_FOLDER = Path("/var/lib/ethops")
"""As root, servers run as nobody, who cannot enter a clone of mode 0700."""

LONGEST_SOCKET_PATH = 100
"""A unix socket's path has 108 bytes; the rest is the name that PostgreSQL appends."""


@dataclass(frozen=True, slots=True)
class Account:
    """The OS user that the servers run as; None in `Places.account` means ourselves."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one stack."""

    state: Path
    """Secrets, logs, status: ours alone."""
    servers: Path
    """Data of PostgreSQL and Redis: theirs alone."""
    sockets: Path
    """The folder of PostgreSQL's unix socket."""
    account: Account | None
    """Who owns `servers` and runs what is in it."""

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.state / "log"

    @property
    def run(self) -> Path:
        """The supervisor's status, for `status` and `down`."""
        return self.state / "run"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"


def places(state: Path, stack_id: str) -> Places:
    """The folders of the stack with this id; nothing is made yet."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        servers = SYSTEM_FOLDER / stack_id
        account = Account(nobody.pw_uid, nobody.pw_gid)
    else:
        servers, account = state / "servers", None
    sockets = servers / "sockets"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_PATH - len(".s.PGSQL.65535.lock"):
        short = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()) / f"ethops-{short}"
    return Places(state=state, servers=servers, sockets=sockets, account=account)


def make(where: Places) -> None:
    """Make every folder, each readable by its owner alone."""
    for folder in (where.state, where.logs, where.run):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if where.account is not None:
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True, mode=0o755)
    for folder in (where.servers, where.sockets):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if where.account is not None:
            os.chown(folder, where.account.uid, where.account.gid)


def remove(where: Places) -> None:
    """Throw the servers' data away; only for stacks that were made to be thrown away."""
    shutil.rmtree(where.servers, ignore_errors=True)
    shutil.rmtree(where.sockets, ignore_errors=True)


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the state folder alone; StateLockedError if another supervisor holds it."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise StateLockedError(
                f"another ethops runs in {state}",
                hint="See it with `manage.py status`, stop it with `manage.py down`.",
            ) from fault
        yield
    finally:
        os.close(handle)


def is_locked(state: Path) -> bool:
    """True while a supervisor works on this folder."""
    if not (state / "lock").exists():
        return False
    try:
        with locked(state):
            return False
    except StateLockedError:
        return True
