"""The two languages of the door, and how each says that something went wrong."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from starlette.responses import JSONResponse

from adapters.json_value import JSON
from gpu.proxy.errors import RefusedError


class Dialect(StrEnum):
    """Whose API is spoken."""

    OLLAMA = "ollama"
    OPENAI = "openai"


OPENAI_PREFIX: Final = "/v1/"

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
"""OpenAI's word for a status; anything else is an `api_error`."""


def dialect_of(path: str) -> Dialect:
    """Return whose API a path belongs to."""
    return Dialect.OPENAI if path.startswith(OPENAI_PREFIX) else Dialect.OLLAMA


def fault(dialect: Dialect, status: int, message: str, kind: str) -> dict[str, JSON]:
    """Return the body that says what went wrong."""
    if dialect is Dialect.OLLAMA:
        return {"error": message}
    said = {"message": message, "type": _TYPES.get(status, "api_error")}
    return {"error": {**said, "param": None, "code": kind}}


def refusal(dialect: Dialect, no: RefusedError) -> JSONResponse:
    """Return the whole answer to a request that is not served."""
    body = fault(dialect, no.status, no.message, no.kind)
    return JSONResponse(body, status_code=no.status, headers=no.headers)
