"""One message of an observer: lines of one host, as they travel over a bus. Pure."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.telemetry.errors import ParcelError
from adapters.telemetry.records import LONGEST
from adapters.text import one_line

LARGEST: Final = 1024 * 1024
"""Bytes of a message; a longer one is refused unread."""
MOST_LINES: Final = 5_000
_KEY = re.compile(r"telemetry\.([a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?)\.lines")
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Lines that follow `after` in one host's log, up to `position`; its name is made of these."""

    host: str
    lines: tuple[str, ...]
    after: str
    position: str
    complete: bool
    sent_at: int
    """Seconds by the host's clock; no part of its name, so that a second try bears the same."""

    @property
    def id(self) -> str:
        """The same for the same lines, however often they are sent."""
        parts = (self.host, self.after, self.position, str(self.complete), *self.lines)
        said = b"\x1f".join(part.encode("utf-8", "surrogatepass") for part in parts)
        return hashlib.sha256(said).hexdigest()

    @property
    def routing_key(self) -> str:
        """Under which it is sent: a broker's topic rights hold an observer to his own host."""
        return f"telemetry.{self.host}.lines"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    v: Literal[1]
    host: Annotated[str, Field(max_length=64)]
    lines: Annotated[list[Annotated[str, Field(max_length=LONGEST)]], Field(max_length=MOST_LINES)]
    after: Annotated[str, Field(max_length=500)]
    position: Annotated[str, Field(max_length=500)]
    complete: bool
    sent_at: Annotated[int, Field(ge=0, le=10**11)]


def pack(parcel: Parcel) -> bytes:
    """Return the body of a message."""
    return json.dumps(
        {
            "v": 1,
            "host": parcel.host,
            "lines": list(parcel.lines),
            "after": parcel.after,
            "position": parcel.position,
            "complete": parcel.complete,
            "sent_at": parcel.sent_at,
        },
        ensure_ascii=True,
        separators=(",", ":"),
    ).encode("ascii")


def unpack(raw: bytes, *, routing_key: str, message_id: str) -> Parcel:
    """Return what a message holds; whoever sent it is believed in nothing.

    Raises:
        ParcelError: it is no parcel, or not one of the host under whose name it was sent.
    """
    if len(raw) > LARGEST:
        raise ParcelError(f"{len(raw)} bytes are more than {LARGEST}")
    named = _KEY.fullmatch(routing_key)
    if named is None:
        raise ParcelError(f"{one_line(routing_key, 80)!r} is no routing key of a host's lines")
    if not _ID.fullmatch(message_id):
        raise ParcelError("it has no message id of 64 hex digits")
    try:
        body = _Body.model_validate_json(raw)
    except (ValidationError, RecursionError) as fault:
        raise ParcelError(f"its body is none of ours: {_first(fault)}") from fault
    if body.host != named[1]:
        raise ParcelError(f"it is sent for {named[1]} and speaks of {one_line(body.host, 64)!r}")
    if any("\0" in text for text in (body.after, body.position, *body.lines)):
        raise ParcelError("it holds a NUL")
    parcel = Parcel(
        body.host, tuple(body.lines), body.after, body.position, body.complete, body.sent_at
    )
    if parcel.id != message_id:
        raise ParcelError("its message id is not that of what it holds")
    return parcel


def fit(line: str) -> str:
    """Return a line as it may travel; one that is too long is cut as its reader would cut it."""
    return line[:LONGEST].replace("\0", "\ufffd")


def _first(fault: ValidationError | RecursionError) -> str:
    if isinstance(fault, RecursionError):
        return "it nests too deep"
    first = fault.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return one_line(f"{where}: {first['msg']}", 150)
