"""The log's private key: one file of mode 600, which the checkpointer alone opens.

Beside it lie `KEY.next`, a key that is to follow, and `KEY.signed`, the last tree head that left
this process: a database older than that is never signed on.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from audit import durable
from audit.errors import NoteError, SigningRefusedError
from audit.ledger.notes import Key, Signer, TreeHead, open_note, sign, split

STATEMENT = "ethops log key"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The key's place."""

    path: Path

    @property
    def next(self) -> Path:
        """Where a key waits that is to follow."""
        return self.path.with_name(self.path.name + ".next")

    @property
    def signed(self) -> Path:
        """Where the last signed tree head is kept."""
        return self.path.with_name(self.path.name + ".signed")

    def read(self) -> Signer | None:
        """Return the key, or None where there is no file.

        Raises:
            SigningRefusedError: others may read the file, or it is damaged.
        """
        return _read(self.path)

    def read_next(self) -> Signer | None:
        """Return the key that is to follow, or None; raises as `read`."""
        return _read(self.next)

    def make(self, name: str) -> Signer:
        """Make the first key, with an empty memory; both are on disk before this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.signed.exists():
            durable.write(self.signed, "")
        return _make(self.path, name)

    def make_next(self, name: str) -> Signer:
        """Make the key that is to follow; FileExistsError if one waits already."""
        return _make(self.next, name)

    def move_on(self) -> None:
        """Put the waiting key in the place of the one before, which is gone with that."""
        self.next.replace(self.path)
        durable.flush_names(self.path.parent)

    def last_signed(self) -> TreeHead | None:
        """Return the last tree head that left this process; None where there is none yet."""
        try:
            note = self.signed.read_text(encoding="utf-8")
            return TreeHead.parse(split(note)[0]) if note else None
        except FileNotFoundError:
            return None
        except (NoteError, UnicodeDecodeError, OSError) as fault:
            raise SigningRefusedError(
                "signed_unreadable", f"{self.signed} cannot be read: {fault}"
            ) from fault

    def remember(self, note: str) -> None:
        """Keep the last signed tree head, whole or not at all.

        Raises:
            SigningRefusedError: there is no room for it.
        """
        beside = self.signed.with_name(self.signed.name + ".new")
        try:
            durable.write(beside, note, os.O_TRUNC)
            beside.replace(self.signed)
        except OSError as fault:
            raise SigningRefusedError(
                "signed_unwritable", f"{self.signed} cannot be written: {fault.strerror}"
            ) from fault


def statement(old: Signer, new: Key, from_size: int) -> str:
    """Return the note by which a key hands over to the next."""
    return sign(f"{STATEMENT}\n{old.key.vkey}\n{new.vkey}\n{from_size}\n", old)


def hands_over(note: str, old: Key, new: Key, from_size: int) -> bool:
    """Tell whether the old key has signed that the new one follows from this size on."""
    try:
        text, _ = open_note(note, [old])
    except NoteError:
        return False
    return text == f"{STATEMENT}\n{old.vkey}\n{new.vkey}\n{from_size}\n"


def _read(path: Path) -> Signer | None:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise SigningRefusedError(
                "key_exposed", f"{path} can be read by others: set its mode to 600"
            )
        return Signer.parse(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (NoteError, UnicodeDecodeError, OSError) as fault:
        raise SigningRefusedError("key_unreadable", f"{path} cannot be used: {fault}") from fault


def _make(path: Path, name: str) -> Signer:
    signer = Signer.new(name)
    durable.write(path, signer.word + "\n")
    durable.flush_names(path.parent)
    return signer
