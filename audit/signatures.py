"""Signatures of incarnations: Ed25519 over the bytes of a statement. Pure."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 2**255 - 19
EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = frozenset({0, 1, P - 1, EIGHTH, P - EIGHTH})
"""Of the points of small order: under such a key signatures hold that nobody made."""


def holds(*, key: str, statement: str, signature: str) -> bool:
    """Tell whether the owner of this public key signed exactly this; keys and signatures in hex."""
    try:
        if not _is_owned(bytes.fromhex(key)):
            return False
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), statement.encode("utf-8"))
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_owned(key: bytes) -> bool:
    # OpenSSL also takes numbers beyond the field, which other verifiers refuse.
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return y < P and y not in SMALL
