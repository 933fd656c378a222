"""A calendar of OpenTimestamps as an anchor: it brings our digest into Bitcoin, within hours.

The receipt is a whole `.ots` file for the digest of the tree head. The calendar's promise in it is
pending; the client `ots` of OpenTimestamps upgrades and verifies it (that needs a Bitcoin node).
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from audit.anchors.anchor import AnchorError, digest
from audit.anchors.posting import posted

MAGIC: Final = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
VERSION: Final = b"\x01"
SHA256: Final = b"\x08"
APPEND: Final = b"\xf0"
NONCE_BYTES: Final = 16
LARGEST_ANSWER: Final = 10_000
PENDING: Final = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e"
"""What the promise of a calendar begins with."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar; what one answers cannot spoil the receipt of another."""

    url: str
    every_seconds: float = 3600.0
    kind: str = field(default="opentimestamps", init=False)

    def put(self, note: str) -> bytes:
        """Give it the digest behind a nonce, so that it learns nothing of what others know."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        asked = hashlib.sha256(digest(note) + nonce).digest()
        url = f"{self.url.rstrip('/')}/digest"
        headers = {"Accept": "application/vnd.opentimestamps.v1"}
        promise = posted(url, asked, headers, most=LARGEST_ANSWER)
        if PENDING not in promise:
            raise AnchorError(f"{self.url}: its answer holds no promise")
        return _head(note) + APPEND + bytes([NONCE_BYTES]) + nonce + SHA256 + promise

    def holds(self, note: str, receipt: bytes) -> bool:
        """Tell whether the receipt begins with this tree head's digest and holds a promise.

        That the promise was kept is for `ots verify` to say.
        """
        return receipt.startswith(_head(note)) and PENDING in receipt


def _head(note: str) -> bytes:
    return MAGIC + VERSION + SHA256 + digest(note)
