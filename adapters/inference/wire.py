"""One call to a model server: a connection of its own, and a deadline that holds between bytes.

The official client takes one timeout for each read, keeps connections, has no headers per call,
and its types drop what they do not know. Its extension point is the transport: this one.
"""

import math
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import httpcore
import httpx
from typing_extensions import override

from adapters.inference.errors import MalformedStreamError, OverDeadlineError, StoppedError

LABEL_HEADER: Final = "X-Request-Label"
LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes of one line of a stream: the last one may hold the numbers of a whole context."""
LONGEST_BODY: Final = 64 * 1024 * 1024
TICK_S: Final = 0.02
"""How often a silent call asks whether it is still wanted."""

# Line ends to Python's splitlines, which the client uses, and legal within a JSON string.
_LINE_ENDS: Final = {
    b"\xc2\x85": b"\\u0085",
    b"\xe2\x80\xa8": b"\\u2028",
    b"\xe2\x80\xa9": b"\\u2029",
}
_LABEL: Final = re.compile(r"[0-9A-Za-z,._:-]*")


@dataclass(slots=True)
class Terms:
    """Under which terms one call runs; times are seconds, the deadline is monotonic."""

    deadline: float
    connect_s: float
    idle_s: float = math.inf
    stop: Callable[[], bool] | None = None
    answered: bool = False
    """The head of an answer has come."""

    def remaining(self) -> float:
        """Return how long the call may still last.

        Raises:
            StoppedError: nobody wants the answer any more.
            OverDeadlineError: no time is left.
        """
        if self.stop is not None and self.stop():
            raise StoppedError("The call was stopped before its answer was whole.")
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise OverDeadlineError("The call's time is over and its answer is not whole.")
        return remaining

    def next_wait(self, quiet_since: float) -> float:
        """Return how long to wait for bytes before asking again; raises like `remaining`."""
        remaining = self.remaining()
        idle = self.idle_s - (time.monotonic() - quiet_since)
        if idle <= 0:
            raise OverDeadlineError(f"Not a byte came for {self.idle_s:g} s.")
        return min(remaining, idle, math.inf if self.stop is None else TICK_S)


class Call(httpx.BaseTransport):
    """The transport of one request; closing its answer closes the connection at once."""

    def __init__(
        self, terms: Terms, *, label: str = "", body: bytes | None = None, lines: bool = False
    ) -> None:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is no label: letters, digits and , . _ : - only.")
        self._terms = terms
        self._label = label
        self._body = body
        self._lines = lines
        self._pool: httpcore.ConnectionPool | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, with the body given here in place of the client's own."""
        https = request.url.scheme == "https"
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls() if https else None,
            max_connections=1,
            network_backend=_Backend(self._terms),
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=self._headers(request),
                content=request.stream if self._body is None else self._body,
            )
        )
        self._terms.answered = True
        stream = cast("Iterable[bytes]", answer.stream)
        whole = _whole_lines(stream) if self._lines else _bounded(stream)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(whole, answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the connection if there is one."""
        if self._pool is not None:
            self._pool.close()

    def _headers(self, request: httpx.Request) -> list[tuple[bytes, bytes]]:
        headers = list(request.headers.raw)
        if self._label:
            headers.append((LABEL_HEADER.encode(), self._label.encode()))
        if self._body is not None:
            sizes = {b"content-length", b"transfer-encoding"}
            headers = [pair for pair in headers if pair[0].lower() not in sizes]
            headers.append((b"Content-Length", str(len(self._body)).encode()))
        return headers


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Body(httpx.SyncByteStream):
    def __init__(self, parts: Iterator[bytes], answer: httpcore.Response) -> None:
        self._parts = parts
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        self._answer.close()


def _whole_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines, the characters escaped at which the client would break one."""
    rest = bytearray()
    for part in parts:
        rest += part
        end = rest.rfind(b"\n") + 1
        if end:
            ready = bytes(rest[:end])
            del rest[:end]
            yield _one_kind_of_line_end(ready)
        if len(rest) > LONGEST_LINE:
            raise MalformedStreamError(f"A line of the stream is over {LONGEST_LINE} bytes.")
    if rest:
        yield _one_kind_of_line_end(bytes(rest))


def _one_kind_of_line_end(lines: bytes) -> bytes:
    if lines.isascii():
        return lines
    for raw, escaped in _LINE_ENDS.items():
        lines = lines.replace(raw, escaped)
    return lines


def _bounded(parts: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > LONGEST_BODY:
            raise MalformedStreamError(f"The answer is over {LONGEST_BODY} bytes.")
        yield part


class _Backend(httpcore.NetworkBackend):
    """Connects within the terms of one call."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        within = min(self._terms.connect_s, self._terms.remaining())
        made = httpcore.SyncBackend().connect_tcp(host, port, within, local_address, socket_options)
        return _Stream(made, self._terms)


class _Stream(httpcore.NetworkStream):
    """A connection on which every wait keeps to the terms, whatever was waited before."""

    def __init__(self, inner: httpcore.NetworkStream, terms: Terms) -> None:
        self._inner = inner
        self._terms = terms

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        quiet_since = time.monotonic()
        while True:
            try:
                return self._inner.read(max_bytes, self._terms.next_wait(quiet_since))
            except httpcore.ReadTimeout:
                continue

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, min(self._terms.idle_s, self._terms.remaining()))

    @override
    def close(self) -> None:
        self._inner.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        within = min(self._terms.connect_s, self._terms.remaining())
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, within), self._terms)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
