"""Notices over HTTP: a plain POST, the same with ntfy's headers, or a message for Matrix."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from ethops.executor import conf, stop
from ethops.executor.effects import Result
from ethops.executor.errors import NotNowError, UndeliveredError, UnsureError
from ethops.executor.told import TIMEOUT_SECONDS, Told, refusal

TRIES: Final = 3
BUSY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals of the 4xx kind that pass; all of the 5xx kind may."""
TOKEN: Final = "matrix.token"  # noqa: S105 - the name of a file
URGENCY: Final = {"P1": "5", "P2": "4", "P3": "3", "P4": "2"}
"""How a title begins -> ntfy's priority."""


def send(what: Told, shape: str) -> Result:
    """Send it; the receiver may drop a repeat by its key.

    Raises:
        StoppedError: the stop was pressed before anybody was told.
        NotNowError: nobody answers, or the refusal passes.
        UndeliveredError: it is refused for good.
        UnsureError: the connection broke after the request was sent.
    """
    # A proxy of the environment has no business between us and this host.
    loopback = urlsplit(what.target).hostname in {"127.0.0.1", "::1", "localhost"}
    request = SHAPES[shape](what)
    stop.check_file()
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=not loopback) as client:
        for attempt in range(1, TRIES + 1):
            try:
                answer = client.send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                raise NotNowError(f"nobody answers at {what.target}: {fault}") from fault
            except httpx.TransportError as fault:
                if attempt == TRIES or stop.by_file():
                    raise UnsureError(f"{what.target} broke off: {fault}") from fault
                continue
            if answer.is_success:
                return {"said": f"delivered to {what.target}", "status": answer.status_code}
            passes = answer.is_server_error or answer.status_code in BUSY
            raise refusal(f"{what.target} answered {answer.status_code}", passes=passes)
    raise UnsureError(f"{what.target} was not asked")


def _plain(what: Told) -> httpx.Request:
    headers = {b"Title": what.title.encode(), b"Idempotency-Key": what.key.encode()}
    return httpx.Request("POST", what.target, content=what.text.encode(), headers=headers)


def _ntfy(what: Told) -> httpx.Request:
    request = _plain(what)
    request.headers["Priority"] = URGENCY.get(what.title[:2], "3")
    if what.ticket_ref:
        request.headers["Tags"] = what.ticket_ref
        request.headers["Click"] = f"{conf.executor().url}/tickets/{what.ticket_ref}/"
    return request


def _matrix(what: Told) -> httpx.Request:
    # The transaction id is Matrix's idempotency key.
    url = f"{what.target.rstrip('/')}/send/m.room.message/{what.key}"
    body = {"msgtype": "m.text", "body": f"{what.title}\n\n{what.text}"}
    return httpx.Request(
        "PUT", url, json=body, headers={"Authorization": f"Bearer {_token(conf.executor().state)}"}
    )


def _token(state: Path) -> str:
    path = state / TOKEN
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as fault:
        raise UndeliveredError(f"the access token for Matrix is not in {TOKEN}") from fault


SHAPES: Final[Mapping[str, Callable[[Told], httpx.Request]]] = {
    "http": _plain,
    "ntfy": _ntfy,
    "matrix": _matrix,
}
