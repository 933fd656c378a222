"""Lines from a pipe, in batches as they come: the journal's own program writes, we push."""

import json
import os
import select
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from adapters.telemetry.errors import PositionError

AT_MOST: Final = 1_000
"""Lines of one batch."""
MOST_TEXT: Final = 100 * 1024
"""Characters of one batch, and the line that exceeds them: a bus takes messages of 1 MiB, in which
one character may be six."""
CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines, the journal's cursor of the last, and whether there was no more for now."""

    lines: tuple[str, ...]
    position: str
    complete: bool


@dataclass(slots=True)
class Feed:
    """Reads one pipe; `quiet_s` without a byte means that the host has no more for now."""

    handle: int
    position: str
    quiet_s: float = 1.0
    alive_s: float = 60.0
    _rest: bytes = b""
    _lines: list[str] = field(default_factory=list)
    ended: bool = False

    def batches(self) -> Iterator[Batch]:
        """Yield what comes until the pipe ends; now and then an empty batch as a sign of life.

        Raises:
            PositionError: a line has no cursor, so nobody could go on after it.
        """
        while not self.ended:
            ready, _, _ = select.select([self.handle], [], [], self._patience())
            if ready:
                self._read()
            while count := self._enough():
                yield self._batch(count, complete=False)
            if not ready or self.ended:
                yield self._batch(len(self._lines), complete=True)

    def _patience(self) -> float:
        return self.quiet_s if self._lines else self.alive_s

    def _read(self) -> None:
        got = os.read(self.handle, CHUNK)
        self.ended = not got
        *whole, self._rest = (self._rest + got).split(b"\n")
        # A last line without its end was cut: it comes again after the position before it.
        self._lines += [line.decode("utf-8", "replace") for line in whole if line]

    def _enough(self) -> int:
        """Return how many lines make a whole batch, 0 while they are too few."""
        size = 0
        for count, line in enumerate(self._lines, 1):
            size += len(line)
            if count == AT_MOST or size >= MOST_TEXT:
                return count
        return 0

    def _batch(self, count: int, *, complete: bool) -> Batch:
        taken, self._lines = self._lines[:count], self._lines[count:]
        if taken:
            self.position = _cursor(taken[-1])
        return Batch(tuple(taken), self.position, complete)


def _cursor(line: str) -> str:
    try:
        cursor = json.loads(line)["__CURSOR"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PositionError(f"A line has no __CURSOR: {line[:80]!r}.") from error
    return str(cursor)
