"""What the embedded forge needs of git: somebody who may start it, handed in from above."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """How git ended, what it wrote, and what it complained of."""

    code: int
    out: bytes
    complaint: str


class Git(Protocol):
    """Git on one bare repository, with nothing of the host: no hooks, no config, no environment."""

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """Run it to its end and return what it said.

        Raises:
            ForgeUnavailableError: it is not there, took too long, or said too much.
        """
        ...
