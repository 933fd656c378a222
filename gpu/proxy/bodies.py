"""Request bodies: bounded before they are read, and JSON that every later reader can keep."""

import json
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.types import Receive, Scope

from gpu.proxy.errors import GoneError, RefusedError
from gpu.proxy.limits import DEEPEST, LARGEST_BODY, MOST_COMMAS, MOST_PARTS

Said = TypeVar("Said", bound="Body")


class Body(BaseModel):
    """What a client said; types are exact, and what we do not know is not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


async def take(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body of a request.

    Raises:
        RefusedError: 413, before more than the limit is kept.
        GoneError: the client left before its request was whole.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > LARGEST_BODY:
            raise _too_large()
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError("The client left while it sent its request.")
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def read(raw: bytes, kind: type[Said]) -> Said:
    """Return the request that a body holds.

    Raises:
        RefusedError: 400, with the first thing that is wrong.
    """
    try:
        return kind.model_validate(loads(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise RefusedError(400, f"{where}: {first['msg']}", kind="invalid_type") from error


def loads(raw: bytes) -> object:
    """Return what a body says.

    Raises:
        RefusedError: 400, it is no JSON, or holds what no database keeps.
    """
    if not raw.strip():
        raise RefusedError(400, "missing request body", kind="missing_body")
    # Counted before anything is built of it: a small body of many parts would hold up everybody.
    if raw.count(b"{") + raw.count(b"[") > MOST_PARTS or raw.count(b",") > MOST_COMMAS:
        raise RefusedError(400, "invalid JSON: too many parts", kind="invalid_json")
    try:
        said: object = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
        deep = _deeper_than(said, DEEPEST)
        json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise RefusedError(400, f"invalid JSON: {what}", kind="invalid_json") from error
    if deep:
        raise RefusedError(400, f"invalid JSON: over {DEEPEST} levels", kind="invalid_json")
    if b"\\u0000" in raw and _holds_nul(said):
        raise RefusedError(400, "invalid JSON: a text holds NUL", kind="invalid_json")
    return said


def _too_large() -> RefusedError:
    return RefusedError(
        413,
        f"the request is over {LARGEST_BODY} bytes",
        kind="request_too_large",
        headers={"Connection": "close"},
    )


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _deeper_than(said: object, levels: int) -> bool:
    here = [said]
    for _ in range(levels):
        here = [part for whole in here for part in _parts(whole)]
        if not here:
            return False
    return True


def _parts(said: object) -> list[object]:
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return [part for part in parts if isinstance(part, dict | list)]


def _holds_nul(said: object) -> bool:
    if isinstance(said, str):
        return "\0" in said
    if isinstance(said, dict):
        return any(_holds_nul(part) for pair in said.items() for part in pair)
    return any(_holds_nul(part) for part in said) if isinstance(said, list) else False
