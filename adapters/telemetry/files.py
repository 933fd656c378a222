"""A log file that grows and is rotated, read on from where it was left."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from adapters.telemetry.errors import SourceError
from adapters.telemetry.records import LONGEST

AT_MOST: Final = 8 * 1024 * 1024
"""Bytes that one round reads of one file; the next round goes on."""
HEAD: Final = 256
"""So many first bytes tell a file from another that took its place or its inode."""


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line, and a name for it that no other line has."""

    text: str
    position: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a file has gained: whole lines, where to go on, and how much of it that is."""

    lines: tuple[Line, ...]
    position: str
    complete: bool
    """False where there is more than one round reads."""
    lost: bool
    """True where the file that was being read is gone with what it may have gained."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An offset within a file that is known by its inode and its first bytes."""

    inode: str
    offset: int
    head: str

    def __str__(self) -> str:
        return f"{self.inode} {self.offset} {self.head}"

    @classmethod
    def of(cls, text: str) -> "_Place":
        inode, offset, head = text.split(" ")
        return cls(inode, int(offset), head)


def end_of(path: Path) -> str:
    """Return the position after what is in the file now.

    Raises:
        SourceError: it is not there, not a plain file, or not ours to read.
    """
    with _opened(path) as stream:
        return str(_place(stream, _whole_lines_until(stream)))


def read_on(path: Path, position: str, *, longest: int = LONGEST) -> Part:
    """Read what the file, or the one it was rotated to, has gained since the position.

    Of a line more than `longest` bytes are not returned.

    Raises:
        SourceError: it is not there, not a plain file, or not ours to read.
    """
    place = _Place.of(position)
    with _opened(path) as stream:
        if _is_in(stream, place):
            return _read(stream, place.offset, longest)
        former = _former(path, place)
        if former is None:
            part = _read(stream, 0, longest)
            return Part(part.lines, part.position, part.complete, lost=True)
        offset, parts = place.offset, []
        for older in [former, *_newer(path, former)]:
            parts.append(_read_rotated(older, offset, longest))
            offset = 0
            if not parts[-1].complete:
                return _joined(parts)
        if _whole_lines_until(stream) > 0:
            # Until then whoever writes may still write to the one before.
            begin = place.offset if older == former else 0
            parts[-1] = _read_rotated(older, begin, longest, last=True)
            parts.append(_read(stream, 0, longest))
        return _joined(parts)


def _joined(parts: Sequence[Part]) -> Part:
    lines = tuple(line for part in parts for line in part.lines)
    return Part(lines, parts[-1].position, parts[-1].complete, lost=False)


def _opened(path: Path) -> BinaryIO:
    try:
        # A pipe in its place must not hold up everybody.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    stream = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        stream.close()
        raise SourceError(f"{path} is no plain file")
    return stream


def _former(path: Path, place: _Place) -> Path | None:
    """Find the file that was being read, or its copy, under another name."""
    for sibling in sorted(_siblings(path), key=_age):
        try:
            with _opened(sibling) as stream:
                if _is_in(stream, place):
                    return sibling
        except SourceError:
            continue
    return None


def _siblings(path: Path) -> list[Path]:
    """Return the files that logrotate made of it, with `.1` or a date, and has not compressed."""
    rotated = re.compile(re.escape(path.name) + r"(?:\.\d{1,4}|-\d{8}(?:-?\d{2,10})?)")
    return [found for found in path.parent.iterdir() if rotated.fullmatch(found.name)]


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _newer(path: Path, former: Path) -> list[Path]:
    """Return the files that were rotated after one, oldest first."""
    newer = [one for one in _siblings(path) if _age(one) < _age(former)]
    return sorted(newer, key=_age, reverse=True)


def _read_rotated(path: Path, offset: int, longest: int, *, last: bool = False) -> Part:
    with _opened(path) as stream:
        return _read(stream, offset, longest, last=last)


def _is_in(stream: BinaryIO, place: _Place) -> bool:
    """Tell whether a position lies in this file; a copy of it is as good as itself."""
    size = os.fstat(stream.fileno()).st_size
    if size < place.offset:
        return False
    if place.offset == 0:
        return _inode(stream) == place.inode
    return _head(stream, place.offset) == place.head


def _read(stream: BinaryIO, offset: int, longest: int, *, last: bool = False) -> Part:
    """Read whole lines; of a file that gets no more, the last one too where its end is missing."""
    stream.seek(offset)
    raw = stream.read(AT_MOST)
    complete = len(raw) < AT_MOST
    end = raw.rfind(b"\n") + 1
    if (last and complete) or (end == 0 and len(raw) > longest):
        end = len(raw)
    inode = _inode(stream)
    lines = tuple(_lines(raw[:end], inode, offset, longest))
    return Part(lines, str(_place(stream, offset + end)), complete, lost=False)


def _lines(raw: bytes, inode: str, offset: int, longest: int) -> Iterator[Line]:
    for row in _split(raw):
        digest = hashlib.sha256(row).hexdigest()[:16]
        text = row[:longest].rstrip(b"\r\n").decode("utf-8", "replace")
        yield Line(text, f"{inode}:{offset}:{digest}")
        offset += len(row)


def _split(raw: bytes) -> Iterator[bytes]:
    """Split at line feeds alone: a lone carriage return is part of what somebody said."""
    begin = 0
    while begin < len(raw):
        end = raw.find(b"\n", begin) + 1 or len(raw)
        yield raw[begin:end]
        begin = end


def _whole_lines_until(stream: BinaryIO) -> int:
    """Return the offset after the last line feed."""
    end = os.fstat(stream.fileno()).st_size
    while end > 0:
        begin = max(0, end - LONGEST)
        stream.seek(begin)
        found = stream.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _place(stream: BinaryIO, offset: int) -> _Place:
    return _Place(_inode(stream), offset, _head(stream, offset))


def _inode(stream: BinaryIO) -> str:
    found = os.fstat(stream.fileno())
    return f"{found.st_dev}:{found.st_ino}"


def _head(stream: BinaryIO, offset: int) -> str:
    stream.seek(0)
    return hashlib.sha256(stream.read(min(HEAD, offset))).hexdigest()[:32]
