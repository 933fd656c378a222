"""What every anchor is: it takes a signed tree head and gives a receipt for it."""

import hashlib
from typing import Final, Protocol

from audit.errors import RecordError

TIMEOUT_SECONDS: Final = 20.0


class AnchorError(RecordError):
    """A place that keeps tree heads could not take one."""

    code = "anchor.failed"
    hint = "It is tried again; see `anchors` in ledger.yaml, and whether the place answers."


class Anchor(Protocol):
    """One place. Handing over the same tree head again does no harm."""

    @property
    def kind(self) -> str:
        """Stored beside each receipt."""
        ...

    @property
    def every_seconds(self) -> float:
        """How often it is given a new tree head at most."""
        ...

    def put(self, note: str) -> bytes:
        """Hand over a signed tree head and return the receipt, which was verified.

        Raises:
            AnchorError: the place did not take it, or its receipt is not for this tree head.
        """
        ...

    def holds(self, note: str, receipt: bytes) -> bool:
        """Tell whether a receipt is one of this place for this tree head."""
        ...


def digest(note: str) -> bytes:
    """Return what is anchored where only a digest is taken: of the note without witnesses."""
    return hashlib.sha256(note.encode()).digest()
