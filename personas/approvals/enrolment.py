"""A second factor as an authenticator takes it: by QR code, or typed."""

from base64 import b32encode
from io import StringIO
from urllib.parse import quote

import segno

ISSUER = "ethops"


def typed(secret: bytes) -> str:
    """Return the secret in groups of four, as people type it."""
    text = b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(person: str, secret: bytes) -> str:
    """Return the otpauth address that authenticators read (their defaults: SHA-1, 6, 30 s)."""
    text = b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{ISSUER}:{quote(person)}?secret={text}&issuer={ISSUER}"


def drawn(person: str, secret: bytes) -> str:
    """Return the address as a QR code for a terminal."""
    out = StringIO()
    segno.make(address(person, secret), error="m").terminal(out=out, compact=True)
    return out.getvalue()
