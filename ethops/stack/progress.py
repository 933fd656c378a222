"""What a start tells its caller: one line per thing, each with a mark, a fact and its seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """Two letters before each line."""

    OK = "ok"
    BUSY = ".."
    WAITS = "--"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    mark: Mark
    name: str
    fact: str
    seconds: float | None = None


Tell = Callable[[Line], None]
"""Called once per line, in the thread that asked for the start."""


def say_nothing(_: Line) -> None:
    """For callers that show no progress."""
