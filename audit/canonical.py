"""The canonical bytes of a fact: restricted JSON, byte-identical to RFC 8785 within its profile.

Strings, booleans, null and whole numbers within 2^53-1; ASCII keys; no floats. Facts come
out of jsonb with anything in them, so `tamed` brings them into the profile first: recording
may never fail for what somebody wrote.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from audit.errors import NotCanonicalError

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None

LARGEST_INTEGER = 2**53 - 1
LARGEST_BODY = 65_535
"""Bytes; a tlog tile gives an entry 16 bits of length."""


def canonical(value: JSON) -> bytes:
    """Return the canonical bytes of a value.

    Raises:
        NotCanonicalError: names the path of what does not fit.
    """
    try:
        _check(value)
    except RecursionError as fault:
        raise NotCanonicalError("$: nested too deeply") from fault
    return _spelled(value)


def tamed(value: JSON) -> JSON:
    """Return the nearest value within the profile: floats and huge numbers become strings."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {key if key.isascii() else _ascii(key): tamed(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [tamed(item) for item in value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return str(value)
    return value


def body_of(head: Mapping[str, JSON], body: JSON) -> bytes:
    """Return the bytes of one entry: its head fields and its body, or the body's digest."""
    _check(head)
    fit = tamed(body)  # which needs no check: that is what taming is
    whole = _spelled({**head, "body": fit})
    if len(whole) <= LARGEST_BODY:
        return whole
    digest = hashlib.sha256(_spelled(fit)).hexdigest()
    return canonical({**head, "body": {"body_sha256": digest, "bytes": len(whole)}})


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _spelled(value: JSON) -> bytes:
    return _ENCODER.encode(value).encode("utf-8")


def _ascii(key: str) -> str:
    return key.encode("ascii", "backslashreplace").decode("ascii")


def _check(value: JSON, where: str = "$") -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise NotCanonicalError(f"{where}: half a character")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not key.isascii():
                raise NotCanonicalError(f"{where}: key {key!r} is not ASCII text")
            _check(item, f"{where}.{key}")
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            _check(item, f"{where}[{number}]")
    elif isinstance(value, float):
        raise NotCanonicalError(f"{where}: floats are not allowed")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise NotCanonicalError(f"{where}: a number is beyond 2^53-1")
