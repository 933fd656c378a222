"""What a witness has signed, on disk before it is answered: one file, one writer, one lock.

Killed at any moment, it comes back with a tree head that it may have signed but never with an
older one than it has given out.
"""

import base64
import fcntl
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from audit import durable
from audit.errors import NoteError
from audit.ledger.notes import Kind, Signer
from audit.witness.errors import StateUnusableError
from audit.witness.protocol import Known, Refusal

Sign: TypeAlias = Callable[[Known | None], Known | Refusal]
"""From what is known of a log to what is known next, or to a refusal."""

VERSION = 1


class Store:
    """The tree heads that were signed, and the key that signed them."""

    def __init__(self, path: Path, signer: Signer, known: Mapping[str, Known], lock: int) -> None:
        self.signer = signer
        self._path = path
        self._known = dict(known)
        self._lock = lock
        self._one = threading.Lock()

    @classmethod
    def open(cls, path: Path, name: str) -> "Store":
        """Open the files of a witness, and make them where there are none; `name` for a new key.

        Raises:
            StateUnusableError: another process has them, they are damaged, or one is missing.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _locked(path.with_name(path.name + ".lock"))
        try:
            signer, known = _opened(path, _beside(path), name)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, signer, known, lock)

    def latest(self, origin: str) -> Known | None:
        """Return the largest tree head of a log that was signed here."""
        return self._known.get(origin)

    def origins(self) -> list[str]:
        """Return the logs of which something was signed."""
        return sorted(self._known)

    def advance(self, origin: str, sign: Sign) -> Known | Refusal:
        """Let `sign` decide on what is known, and keep what it says before returning it.

        Raises:
            OSError: it could not be kept; then it counts as not signed.
        """
        with self._one:
            decided = sign(self._known.get(origin))
            if isinstance(decided, Known):
                known = {**self._known, origin: decided}
                _write(self._path, _spelled(self.signer.key.vkey, known))
                self._known = known
        return decided

    def close(self) -> None:
        """Let another process have the files."""
        os.close(self._lock)


def _opened(path: Path, key_path: Path, name: str) -> tuple[Signer, Mapping[str, Known]]:
    if not path.exists():
        if key_path.exists():
            raise StateUnusableError(f"{key_path} is there, but its state {path} is gone")
        return _made(path, key_path, name)
    vkey, known = _read(path)
    if not key_path.exists():
        if known:
            raise StateUnusableError(f"{path} is there, but its key {key_path} is gone")
        # The first start was cut off between its two files.
        return _made(path, key_path, name)
    signer = _read_key(key_path)
    if signer.key.vkey != vkey:
        raise StateUnusableError(f"{key_path} is not the key of {path}")
    return signer, known


def _made(path: Path, key_path: Path, name: str) -> tuple[Signer, Mapping[str, Known]]:
    signer = Signer.new(name, Kind.COSIGNATURE)
    # The state goes first: a key without a state would be taken for one that lost it.
    _write(path, _spelled(signer.key.vkey, {}))
    _write(key_path, f"{signer.word}\n")
    return signer, {}


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".key")


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StateUnusableError(f"another witness has {path} open") from None
    return handle


def _read_key(path: Path) -> Signer:
    if path.stat().st_mode & 0o077:
        raise StateUnusableError(f"{path} can be read by others; give it mode 600")
    try:
        signer = Signer.parse(path.read_text(encoding="ascii"))
    except (NoteError, ValueError) as fault:
        raise StateUnusableError(f"{path}: {fault}") from fault
    if signer.kind is not Kind.COSIGNATURE:
        raise StateUnusableError(f"{path} is not a key for cosignatures")
    return signer


def _read(path: Path) -> tuple[str, Mapping[str, Known]]:
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if said["version"] != VERSION:
            raise StateUnusableError(f"{path} is of another version of this program")
        return str(said["witness"]), {
            str(origin): Known(
                int(one["size"]), base64.b64decode(one["root"], validate=True), str(one["note"])
            )
            for origin, one in said["logs"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise StateUnusableError(f"{path} is damaged ({type(fault).__name__})") from fault


def _spelled(vkey: str, known: Mapping[str, Known]) -> str:
    logs = {
        origin: {
            "size": one.size,
            "root": base64.b64encode(one.root).decode("ascii"),
            "note": one.note,
        }
        for origin, one in known.items()
    }
    return json.dumps({"version": VERSION, "witness": vkey, "logs": logs}, indent=1) + "\n"


def _write(path: Path, text: str) -> None:
    """Replace a file so that after any crash it is whole, old or new."""
    beside = path.with_name(path.name + ".new")
    durable.write(beside, text, os.O_TRUNC)
    beside.replace(path)
    durable.flush_names(path.parent)
