"""Commitments: an entry holds one in place of a value that may have to be taken away. Pure."""

import hashlib
import os

SALT_BYTES = 16


def new_salt() -> bytes:
    """Return 16 random bytes, so that nobody finds a short value by trying all of them."""
    return os.urandom(SALT_BYTES)


def commitment(salt: bytes, value: str) -> str:
    """Return SHA-256(0x02 || salt || value) in hex.

    Raises:
        ValueError: the salt has not 16 bytes, so that salt and value could be divided otherwise.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(b"\x02" + salt + value.encode("utf-8")).hexdigest()
