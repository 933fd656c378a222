"""What the card did, written down as it happens: one JSON object a line, one monotonic clock."""

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

KEPT: Final = 2000
"""Events kept in memory for /simulated/state."""

Label = int | str


def labels_of(header: str) -> tuple[Label, ...]:
    """Return the jobs that a request is for: several where calls were joined."""
    return tuple(
        int(each) if each.isascii() and each.isdigit() else each
        for each in (part.strip() for part in header[:20_000].split(","))
        if each
    )


class EventLog:
    """Appends to a file where one is named, and remembers the newest."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: TextIO | None = path.open("a", buffering=1, encoding="utf-8") if path else None
        self.newest: deque[Mapping[str, Any]] = deque(maxlen=KEPT)

    def model(self, event: str, model: str) -> None:
        """Write load_start, loaded, unloaded or load_failed."""
        self._write({"ev": event, "t": time.monotonic(), "model": model})

    def started(self, jobs: Iterable[Label], model: str) -> None:
        """Write that the card begins with these jobs."""
        now = time.monotonic()
        for job in jobs:
            self._write({"ev": "started", "t": now, "id": job, "model": model})

    def ended(self, event: str, jobs: Iterable[Label], tokens: int) -> None:
        """Write finished or preempted, with the tokens of each job so far, in all."""
        now = time.monotonic()
        for job in jobs:
            self._write({"ev": event, "t": now, "id": job, "tokens": tokens})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, event: Mapping[str, Any]) -> None:
        self.newest.append(event)
        if self._file is not None:
            self._file.write(json.dumps(event) + "\n")
