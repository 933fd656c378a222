"""Signatures of incarnations: Ed25519 over the bytes of a statement. Pure."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def holds(*, key: str, statement: str, signature: str) -> bool:
    """Tell whether the owner of this public key signed exactly this; keys and signatures in hex."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), statement.encode("utf-8"))
    except (InvalidSignature, ValueError):
        return False
    return True
