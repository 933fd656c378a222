"""Which files a pull request of ours may change, and how it is called: pure.

A name that begins with a dot is never one: `.git` and what forges, editors and shells run or obey
(`.github/workflows`, `.gitattributes`, `.gitmodules`) all do.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from adapters.forge.errors import ChangeRefusedError, NothingChangedError
from adapters.forge.port import Change, ChangeKind, File

MOST_FILES: Final = 100
MOST_BYTES_OF_A_FILE: Final = 1024 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
LONGEST_PATH: Final = 200
PART: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._+-]{0,98}[A-Za-z0-9_+-])?")
DEVICE: Final = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
TREE: Final = "040000"
PLAIN: Final = ("100644", "100755")
BRANCH: Final = re.compile(r"ethops/([0-9a-f]{32})")


def branch_of(key: UUID) -> str:
    """Return the branch's name: the key, by which a repeat finds it at any forge."""
    return f"ethops/{key.hex}"


def key_of(branch: str) -> UUID | None:
    """Return the key within a branch's name, None where the branch is not one of ours."""
    found = BRANCH.fullmatch(branch)
    return UUID(hex=found[1]) if found else None


def blob_sha(content: bytes, *, like: str) -> str:
    """Return the name git gives to these bytes, by the hash that another name was made with."""
    kind = "sha1" if len(like) == 40 else "sha256"
    made = hashlib.new(kind, b"blob %d\0" % len(content), usedforsecurity=False)
    made.update(content)
    return made.hexdigest()


def check(files: Sequence[File]) -> None:
    """Hold paths and sizes against what may be changed at all.

    Raises:
        ChangeRefusedError: a path is no plain one, or there is too much of it.
        NothingChangedError: there is nothing at all.
    """
    if not files:
        raise NothingChangedError("No file is to be changed.")
    if len(files) > MOST_FILES:
        raise ChangeRefusedError(f"{len(files)} files are more than {MOST_FILES}.")
    for file in files:
        _check_path(file.path)
        if file.content is not None and len(file.content) > MOST_BYTES_OF_A_FILE:
            raise ChangeRefusedError(f"{file.path} is over {MOST_BYTES_OF_A_FILE} bytes.")
    if sum(len(file.content or b"") for file in files) > MOST_BYTES:
        raise ChangeRefusedError(f"Together the files are over {MOST_BYTES} bytes.")
    _check_apart([file.path for file in files])


def _check_path(path: str) -> None:
    parts = path.split("/")
    if len(path) > LONGEST_PATH or not all(PART.fullmatch(part) for part in parts):
        raise ChangeRefusedError(f"{path[:LONGEST_PATH]!r} is no plain path below the top.")
    if any(DEVICE.fullmatch(part) for part in parts):
        raise ChangeRefusedError(f"{path!r} means a device on some machines.")


def _check_apart(paths: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.get(path.casefold())
        if other is not None:
            raise ChangeRefusedError(f"{other!r} and {path!r} are one file on some machines.")
        seen[path.casefold()] = path
    for path in seen:
        for parent in _parents(path):
            if parent in seen:
                raise ChangeRefusedError(f"{seen[parent]!r} cannot be both a file and a folder.")


def _parents(path: str) -> list[str]:
    return [parent.as_posix() for parent in PurePosixPath(path).parents][:-1]


def changes(files: Sequence[File], modes: Mapping[str, str]) -> tuple[Change, ...]:
    """Return what the files do to a tree whose paths, folders too, have these modes.

    Raises:
        ChangeRefusedError: something there is a link, a submodule or of the other kind.
    """
    known = {path.casefold(): path for path in modes}
    for file in files:
        _check_place(file, modes, known)
    return tuple(
        Change(file.path, _kind(file, modes), len(file.content or b""))
        for file in sorted(files, key=lambda file: file.path)
    )


def _check_place(file: File, modes: Mapping[str, str], known: Mapping[str, str]) -> None:
    for parent in _parents(file.path):
        _check_spelling(parent, known)
        if modes.get(parent, TREE) != TREE:
            raise ChangeRefusedError(f"{parent!r} is no folder: {file.path!r} cannot lie in it.")
    _check_spelling(file.path, known)
    if modes.get(file.path, PLAIN[0]) not in PLAIN:
        raise ChangeRefusedError(f"{file.path!r} is no plain file there.")
    if file.content is None and file.path not in modes:
        raise ChangeRefusedError(f"{file.path!r} is not there, so it cannot go.")


def _check_spelling(path: str, known: Mapping[str, str]) -> None:
    there = known.get(path.casefold(), path)
    if there != path:
        raise ChangeRefusedError(f"{path!r} is there already, as {there!r}.")


def _kind(file: File, modes: Mapping[str, str]) -> ChangeKind:
    if file.content is None:
        return "removed"
    return "changed" if file.path in modes else "added"
