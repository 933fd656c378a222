"""The chain of the ledger, pure: each entry's hash takes in the hash before it."""

from audit.ledger.merkle import leaf_hash, node_hash

GENESIS = bytes(32)
"""What the first entry follows."""


def link(prev: bytes, body: bytes) -> bytes:
    """Return the hash of an entry that follows `prev`; the domains are those of RFC 6962."""
    return node_hash(prev, leaf_hash(body))
