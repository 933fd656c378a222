"""An authenticator app: TOTP as RFC 6238 has it, written apart from ours."""

import hmac
import struct
import time


def code(secret: bytes, step: int | None = None) -> str:
    """The six digits of a step of 30 s; of now where none is given."""
    at = int(time.time() // 30) if step is None else step
    mac = hmac.new(secret, struct.pack(">Q", at), "sha1").digest()
    start = mac[-1] & 0xF
    number = struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06d}"
