"""Runs one command in a process of its own: `python -m ethops.executor.command_child FOLDER`.

It ends, with everything that it has started, when the command's time is over, and as soon as its
own standard input ends: that is when the executor is gone, however that came. No shell anywhere:
the argument vector goes to the kernel as it stands.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import psutil

from ethops.executor import marks

MOST_KEPT: Final = 64 * 1024
"""Bytes of each stream that are kept; the longest secret must fit into it."""
MOST_READ: Final = 16 * 1024 * 1024
"""Bytes of each stream after which a command is ended: it does not know where to stop."""
HIDDEN: Final = b"[secret]"
GRACE_SECONDS: Final = 2.0
"""So long a command has to clear up after it was told to end."""
_PR_SET_CHILD_SUBREAPER: Final = 36
_alone: Final = threading.Event()
"""Set once the executor is gone."""


class _Stream(threading.Thread):
    """Reads one stream to its end and keeps the beginning."""

    def __init__(self, source: IO[bytes] | None, end_it: threading.Event) -> None:
        super().__init__(daemon=True)
        self._source, self._end_it = source, end_it
        self.kept, self.read = b"", 0

    def run(self) -> None:
        while self._source and (chunk := os.read(self._source.fileno(), 65536)):
            self.read += len(chunk)
            self.kept += chunk[: max(0, 2 * MOST_KEPT - len(self.kept))]
            if self.read > MOST_READ:
                self._end_it.set()


def main(folder: Path) -> int:
    """Run what `spec.json` of the folder says, and write `ended.json` as the last thing."""
    action_id = UUID(folder.name)
    _adopt_orphans()
    threading.Thread(target=_end_with_executor, args=(action_id,), daemon=True).start()
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    names = [*spec["environment"], *spec["secrets"], marks.NAME]
    environment = {name: os.environ[name] for name in names}
    secrets = [environment[name].encode() for name in spec["secrets"]]
    ended = _run(spec, folder / "work", environment)
    if _alone.is_set():
        # It was we who ended it, for want of an executor: that is no end of its own.
        threading.Event().wait()
    streams = {name: hidden(ended.pop(name), secrets) for name in ("out", "err")}
    for name, kept in streams.items():
        (folder / name).write_bytes(kept)
    _write_last(folder, ended)
    return 0


def hidden(kept: bytes, secrets: list[bytes]) -> bytes:
    """Return what is kept of a stream, without the secrets that the command was given."""
    for secret in sorted(secrets, key=len, reverse=True):
        kept = kept.replace(secret, HIDDEN)
    return kept[:MOST_KEPT]


def _run(spec: dict[str, Any], work: Path, environment: dict[str, str]) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        child = subprocess.Popen(
            spec["argv"],
            executable=spec["program"],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as fault:
        return {
            "rc": None,
            "why": f"it cannot be started: {fault.strerror}",
            "out": b"",
            "err": b"",
        }
    flooded = threading.Event()
    out, err = _Stream(child.stdout, flooded), _Stream(child.stderr, flooded)
    out.start()
    err.start()
    why = _wait(child, begun + spec["timeout_s"], spec["timeout_s"], flooded)
    _end_all(child)
    out.join(5)
    err.join(5)
    return {
        "rc": child.returncode if not why else None,
        "why": why,
        "out": out.kept,
        "err": err.kept,
        "bytes": out.read + err.read,
        "seconds": round(time.monotonic() - begun, 1),
    }


def _wait(
    child: "subprocess.Popen[bytes]", end: float, timeout_s: float, flooded: threading.Event
) -> str:
    while child.poll() is None:
        if flooded.is_set():
            return f"it wrote more than {MOST_READ} bytes and was ended"
        if time.monotonic() >= end:
            return f"it ran longer than {timeout_s} s and was ended"
        time.sleep(0.02)
    return ""


def _end_all(child: "subprocess.Popen[bytes]") -> None:
    """End the command, asked first, and all that it has started: that would hold its streams."""
    if child.poll() is None:
        child.terminate()
        end = time.monotonic() + GRACE_SECONDS
        while child.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        child.kill()
    # Before the others: whoever else collects its exit code takes it from us.
    child.wait()
    _kill_descendants()


def _kill_descendants() -> None:
    while found := psutil.Process().children(recursive=True):
        for each in found:
            try:
                each.kill()
                each.wait(0.1)
            except psutil.Error:
                continue


def _adopt_orphans() -> None:
    """Become the parent of whatever loses its own below us, so that nothing slips away."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _write_last(folder: Path, ended: dict[str, Any]) -> None:
    half = folder / "ended.half"
    with half.open("w", encoding="utf-8") as stream:
        json.dump(ended, stream)
        stream.flush()
        os.fsync(stream.fileno())
    half.rename(folder / "ended.json")


def _end_with_executor(action_id: UUID) -> None:
    while os.read(sys.stdin.fileno(), 64):
        pass
    _alone.set()
    _kill_descendants()
    marks.kill(action_id)
    os._exit(137)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
