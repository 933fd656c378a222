"""The chain of the ledger, pure: each entry's hash takes in the hash before it."""

from hashlib import sha256

GENESIS = bytes(32)
"""What the first entry follows."""


def link(prev: bytes, body: bytes) -> bytes:
    """Return the hash of an entry that follows `prev`; the domains are those of RFC 6962."""
    return sha256(b"\x01" + prev + sha256(b"\x00" + body).digest()).digest()
