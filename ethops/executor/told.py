"""One thing that somebody is told, and whether a refusal of it passes. Pure."""

from dataclasses import dataclass
from typing import Final

from ethops.executor.errors import ExecutorError, NotNowError, UndeliveredError

TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Told:
    """A target with a title and a text; a repeat carries the same key, and may be dropped."""

    target: str
    title: str
    text: str
    ticket_ref: str
    key: str


def refusal(said: str, *, passes: bool) -> ExecutorError:
    """Return what to raise where a receiver refused: it is tried again, or it is not."""
    return NotNowError(said) if passes else UndeliveredError(said)
