"""The event log of a replay: what the card did and when, one JSON line each."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "enqueued", "load_start", "loaded", "unloaded", "started", "preempted", "finished"
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at second `at`: to a job, or to a model."""

    ev: Kind
    at: float
    job: int | None = None
    model: str | None = None
    tokens: int | None = None

    def line(self) -> str:
        """Return its line, without the end of line."""
        said: dict[str, object] = {"ev": self.ev, "t": round(self.at, 6)}
        if self.job is not None:
            said["id"] = self.job
        if self.model is not None:
            said["model"] = self.model
        if self.tokens is not None:
            said["tokens"] = self.tokens
        return json.dumps(said)


class BadEventsError(ValueError):
    """A line of the file is no event; names file and line."""


def write(path: Path, events: Iterable[Event]) -> None:
    """Write a log."""
    path.write_text("".join(f"{event.line()}\n" for event in events), encoding="utf-8")


def read(path: Path) -> list[Event]:
    """Read a log that `write` or the simulated server wrote."""
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            said = json.loads(text)
            found.append(
                Event(
                    said["ev"],
                    float(said["t"]),
                    said.get("id"),
                    said.get("model"),
                    said.get("tokens"),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadEventsError(
                f"{path}:{number}: is no event ({error!r}). Write a JSON object with ev and t."
            ) from None
    return found
