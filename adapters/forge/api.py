"""JSON over HTTP with a forge elsewhere: bounded, without redirects, every fault typed."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from adapters.forge.errors import (
    ForgeRefusedError,
    ForgeUnavailableError,
    HeadMovedError,
    PullNotFoundError,
)
from adapters.text import one_line

SECONDS: Final = 20.0
MOST_BYTES: Final = 16 * 1024 * 1024
PAGE: Final = 50
MOST_PAGES: Final = 40
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Api:
    """One repository's part of a forge's API, by a token that goes nowhere else."""

    def __init__(self, root: str, headers: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        split = urlsplit(root)
        if split.scheme != "https" and split.hostname not in LOOPBACK:
            raise ForgeRefusedError(f"{root!r}: a token is sent over https alone.")
        self._root = root.rstrip("/")
        self._headers = {"Accept": "application/json", **headers}
        self._seconds = seconds

    def get(self, path: str, **params: str | int) -> Any:
        """Return what lies at a path.

        Raises:
            PullNotFoundError: nothing does.
            ForgeRefusedError, ForgeUnavailableError: the forge did not say.
        """
        return self.ask("GET", path, params=params)

    def pages(self, path: str, **params: str | int) -> Iterator[Any]:
        """Yield the items of a list, page by page, until one is empty.

        Raises:
            ForgeUnavailableError: there is no end of it: half a list could hide an objection.
        """
        size = {"limit": PAGE, "per_page": PAGE}
        for page in range(1, MOST_PAGES + 1):
            items = self.get(path, page=page, **size, **params)
            if not isinstance(items, list):
                raise ForgeUnavailableError(f"{path} is no list.")
            if not items:
                return
            yield from items
        raise ForgeUnavailableError(f"{path} has more than {MOST_PAGES} pages.")

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Return what the forge answers; None where it answers nothing."""
        until = time.monotonic() + 2 * self._seconds
        try:
            with (
                httpx.Client(
                    headers=self._headers,
                    timeout=self._seconds,
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream(
                    method, f"{self._root}{path}", json=body, params=params or None
                ) as answer,
            ):
                said = _bounded(answer, until)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            what = one_line(str(fault), 200) or type(fault).__name__
            raise ForgeUnavailableError(f"{method} {path}: {what}") from fault
        if answer.status_code >= 300:
            raise _fault(method, path, answer.status_code, said)
        return _read(path, said)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Say what is not of the shape that we know as what it is: no answer.

    Raises:
        ForgeUnavailableError: a field is missing, or is another kind of thing.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as fault:
        raise ForgeUnavailableError(
            f"{what} is not of the shape we know: {one_line(repr(fault), 200)}"
        ) from fault


def _bounded(answer: httpx.Response, until: float) -> bytes:
    said = bytearray()
    for part in answer.iter_bytes():
        said += part
        if len(said) > MOST_BYTES:
            raise ForgeUnavailableError(f"The answer is over {MOST_BYTES} bytes.")
        # Each wait is bounded by httpx; that many short ones have an end is seen to here.
        if time.monotonic() > until:
            raise ForgeUnavailableError("The answer has no end in time.")
    return bytes(said)


def _read(path: str, said: bytes) -> Any:
    if not said.strip():
        return None
    try:
        return json.loads(said)
    except (ValueError, RecursionError) as fault:
        raise ForgeUnavailableError(f"{path} answered what is no JSON.") from fault


def _fault(
    method: str, path: str, status: int, said: bytes
) -> PullNotFoundError | HeadMovedError | ForgeRefusedError | ForgeUnavailableError:
    what = f"{method} {path}: {status} {one_line(_words(said), 300)}"
    if status == httpx.codes.NOT_FOUND:
        return PullNotFoundError(what)
    if status == httpx.codes.CONFLICT:
        return HeadMovedError(what)
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:
        return ForgeUnavailableError(what)
    return ForgeRefusedError(what)


def _words(said: bytes) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return said[:300].decode("utf-8", "replace")
