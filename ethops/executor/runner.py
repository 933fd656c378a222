"""Runs one play in its own folder and reads what it left behind."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from audit.canonical import JSON
from ethops import env
from ethops.executor import marks
from ethops.executor.errors import CutShortError, LeaseLostError, StoppedError
from ethops.executor.findings import Play
from ethops.executor.play_child import IDENT
from ethops.executor.stop import Watch

INHERITED = ("HOME", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "TZ")
"""All that a play may know of our environment; what it gets stands on disk beside its events."""

ANSIBLE_CFG = """\
[defaults]
# This file's only purpose is to be found before one of the host's or the user's.
"""

LONGEST_EVENT_BYTES = 1024 * 1024
MOST_EVENTS = 2000
TICK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one play lies: export, inventory, arguments, marker, artifacts."""

    path: Path

    @property
    def action_id(self) -> UUID:
        """The action, which names the folder."""
        return UUID(self.path.name)

    @property
    def started(self) -> Path:
        """Exists from before the first moment at which something may have happened."""
        return self.path / "started"

    @property
    def scratch(self) -> Path:
        """Where Ansible keeps its files on this host."""
        return self.path / "tmp"

    @property
    def project(self) -> Path:
        """The exported playbook."""
        return self.path / "project"

    @property
    def artifacts(self) -> Path:
        """What ansible-runner writes."""
        return self.path / "artifacts" / IDENT

    @property
    def ended(self) -> bool:
        """True once the play came to its own end."""
        return (self.artifacts / "rc").exists()


def prepare(folder: Folder, *, playbook: str, inventory: str, extravars: str) -> None:
    """Write everything the play reads; the export is there already."""
    for name in ("inventory", "env", "tmp"):
        (folder.path / name).mkdir(mode=0o700)
    files = {
        "playbook": playbook,
        "inventory/hosts.yaml": inventory,
        "env/extravars": extravars,
        "ansible.cfg": ANSIBLE_CFG,
    }
    for name, text in files.items():
        write(folder.path / name, text)


def run(
    folder: Folder,
    *,
    timeout_s: int,
    watch: Watch,
    is_ours: Callable[[], bool],
) -> None:
    """Run the play to its end, if it is still ours in the last moment before it begins.

    Raises:
        StoppedError: the stop was pressed before it began.
        LeaseLostError: it is no longer ours, and was not begun.
        CalledOffError: its run was called off before it began.
        CutShortError: it ran over its time, or the stop was pressed; nothing of it runs any more.
    """
    if not is_ours():
        raise LeaseLostError(f"play {folder.action_id}: the lease was lost before it began")
    watch.check()
    # Last: what was asked before may have waited for a database that hung.
    if watch.is_stopped():
        raise StoppedError("the stop was pressed before the play began")
    write(folder.started, json.dumps({"at": time.time(), "by": os.getpid()}))
    sync(folder.path)
    with _start(folder) as child:
        try:
            why = wait(child, timeout_s, "play", watch)
            if why:
                marks.end(folder.action_id)
        finally:
            if child.poll() is None:
                child.kill()
            clean = marks.kill(folder.action_id)
    # Asked to end, it may still have written that it failed; only a whole one counts.
    if why and clean and _rc(folder) != 0:
        raise CutShortError(why)


def left_behind(folder: Folder) -> Play:
    """Read what the play wrote, whole or not."""
    return Play(rc=_rc(folder), command=_command(folder), events=_events(folder))


def environment(folder: Folder) -> dict[str, str]:
    """Return the play's whole environment."""
    ours = env.inherited()
    # Not resolved: in a virtual environment the programs lie beside the link.
    programs = Path(sys.executable).parent
    return {
        **{name: ours[name] for name in INHERITED if name in ours},
        **marks.mark(folder.action_id),
        "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": str(env.CLONE),
        "ANSIBLE_CONFIG": str(folder.path / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder.path / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder.scratch),
        # What a killed module leaves lies in the play, not among the files of this host.
        "TMPDIR": str(folder.scratch),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o BatchMode=yes",
        "ANSIBLE_NOCOLOR": "True",
    }


def _start(folder: Folder) -> subprocess.Popen[bytes]:
    log = os.open(folder.path / "child.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ethops.executor.play_child", str(folder.path)],
            cwd=folder.path,
            env=environment(folder),
            # Open as long as we live: its end tells the child that we are gone.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def wait(
    child: subprocess.Popen[bytes],
    timeout_s: float,
    what: str,
    watch: Watch,
) -> str:
    """Wait for the end; return why it must be ended from outside, "" where it ended by itself."""
    begun = time.monotonic()
    while child.poll() is None:
        if time.monotonic() - begun > timeout_s:
            return f"the {what} ran longer than {timeout_s} s and was ended"
        if watch.is_stopped():
            return f"the stop was pressed while the {what} ran, and it was ended"
        if watch.is_called_off():
            return f"its run was called off while the {what} ran, and it was ended"
        time.sleep(TICK_SECONDS)
    return ""


def _rc(folder: Folder) -> int | None:
    try:
        word = (folder.artifacts / "rc").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(word) if word.isdecimal() else None


def _command(folder: Folder) -> list[str]:
    found = _json(folder.artifacts / "command")
    command = found.get("command") if isinstance(found, Mapping) else None
    return [str(word) for word in command] if isinstance(command, list) else []


def _events(folder: Folder) -> list[Mapping[str, JSON]]:
    files = (folder.artifacts / "job_events").glob("*-*.json")
    numbered = sorted(files, key=_number)[:MOST_EVENTS]
    events = (_json(path) for path in numbered)
    return [event for event in events if isinstance(event, Mapping)]


def _number(path: Path) -> int:
    head = path.name.partition("-")[0]
    return int(head) if head.isdecimal() else 0


def _json(path: Path) -> Any:
    try:
        with path.open("rb") as stream:
            return json.loads(stream.read(LONGEST_EVENT_BYTES))
    except (OSError, ValueError):
        return None


def write(path: Path, text: str) -> None:
    """Write a new private file, and have it on the disk before going on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def sync(folder: Path) -> None:
    """Have a folder's names on the disk before going on."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
