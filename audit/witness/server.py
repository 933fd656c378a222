"""A witness on HTTP: standard library only, small answers, and patience with nobody."""

import io
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from audit.ledger import notes
from audit.ledger.notes import TreeHead
from audit.witness import protocol
from audit.witness.protocol import Known, Logs, MalformedError, Refusal, Request
from audit.witness.state import Store

REQUEST_SECONDS: Final = 10.0
"""For one request, from the wait for its first byte to the last of its body."""
MOST_CONNECTIONS: Final = 64
MOST_OF_ONE: Final = 16
"""Connections of one address: a log needs one, and nobody may take all of them."""

log = logging.getLogger("audit.witness")


class Witness:
    """Decides, signs, and keeps what it signed before it says so."""

    def __init__(self, store: Store, logs: Logs, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._logs = logs
        self._clock = clock
        self._by_hash = {protocol.origin_hash(origin): origin for origin in logs}

    def add(self, body: bytes) -> str | Refusal:
        """Return the line of a cosignature, or why there is none.

        Raises:
            OSError: what was signed could not be kept, so nothing was signed.
        """
        try:
            request = Request.read(body)
        except MalformedError as fault:
            return Refusal(HTTPStatus.BAD_REQUEST, f"{fault}\n")
        head = protocol.opened(request, self._logs)
        if isinstance(head, Refusal):
            return head
        lines: list[str] = []

        def sign(known: Known | None) -> Known | Refusal:
            refusal = protocol.follows(request, head, known)
            if refusal is not None:
                return refusal
            lines.append(self._line(head))
            note = protocol.line_of_log(request.note, self._logs[head.origin])
            return Known(head.size, head.root, note + lines[0])

        decided = self._store.advance(head.origin, sign)
        _tell(head, decided)
        return decided if isinstance(decided, Refusal) else lines[0]

    def latest(self, origin_hash: str) -> str | None:
        """Return the largest tree head that was signed of a log, with both signatures."""
        known = self._store.latest(self._by_hash.get(origin_hash, ""))
        return known.note if known else None

    def _line(self, head: TreeHead) -> str:
        # A clock at zero would say that nothing is said about time.
        at = max(1, int(self._clock()))
        return f"{notes.cosign(head.text, self._store.signer, at)}\n"


def _tell(head: TreeHead, decided: Known | Refusal) -> None:
    if isinstance(decided, Known):
        log.info("signed %s at %s", head.origin, head.size)
    elif decided.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        # A valid signature on a history that does not fit is proof against the log: keep it.
        log.error("NOT CONSISTENT: %s at %s root %s", head.origin, head.size, head.root.hex())
    else:
        log.info("not signed %s at %s: %s", head.origin, head.size, decided.status.value)


class Server(ThreadingHTTPServer):
    """One thread per connection, and no more than `MOST_CONNECTIONS`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        self.witness = witness
        self._guests: Counter[str] = Counter()
        self._counting = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take a connection where there is room for it."""
        del request
        with self._counting:
            full = self._guests.total() >= MOST_CONNECTIONS
            return not full and self._guests[client_address[0]] < MOST_OF_ONE

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection that is taken."""
        with self._counting:
            self._guests[client_address[0]] += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._counting:
                self._guests[client_address[0]] -= 1
                # Addresses that left are forgotten.
                self._guests += Counter()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in one line what broke a connection."""
        del request
        log.info("%s: %s", client_address[0], repr(sys.exception() or "")[:200])


class Deadline(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes come."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.until = 0.0

    def readable(self) -> bool:
        """Say that it reads."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there; TimeoutError after the moment."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "witness"
    sys_version = ""
    server: Server

    def setup(self) -> None:
        """Read through a deadline."""
        super().setup()
        # Header and body of an answer would else wait for each other.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deadline = Deadline(self.connection)
        self.rfile = io.BufferedReader(self._deadline)

    def handle_one_request(self) -> None:
        """Serve one request within its time."""
        self._deadline.until = time.monotonic() + REQUEST_SECONDS
        super().handle_one_request()

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        body = self._body()
        if body is None:
            return
        if self.path != protocol.PATH:
            self._say(HTTPStatus.NOT_FOUND, "there is only add-checkpoint here\n")
            return
        try:
            answer = self.server.witness.add(body)
        except OSError as fault:
            log.exception("cannot be kept, so nothing is signed")
            self._say(HTTPStatus.SERVICE_UNAVAILABLE, f"cannot be kept: {fault.strerror}\n")
            return
        if isinstance(answer, Refusal):
            self._say(answer.status, answer.body, answer.content_type)
        else:
            self._say(HTTPStatus.OK, answer)

    def do_GET(self) -> None:
        """Answer with the latest tree head of a log, for those who compare."""
        origin_hash, _, rest = self.path.removeprefix("/").partition("/")
        note = self.server.witness.latest(origin_hash) if rest == "checkpoint" else None
        if note is None:
            self._say(HTTPStatus.NOT_FOUND, "nothing of that name was signed here\n")
        else:
            self._say(HTTPStatus.OK, note)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: what matters is said where it happens."""

    def _body(self) -> bytes | None:
        said = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not (said.isascii() and said.isdigit()):
            self._close(HTTPStatus.LENGTH_REQUIRED, "say the length of the request\n")
            return None
        if len(said) > 9 or int(said) > protocol.LARGEST_REQUEST:
            self._close(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large\n")
            return None
        body = self.rfile.read(int(said))
        if len(body) < int(said):
            self._close(HTTPStatus.BAD_REQUEST, "the request was cut\n")
            return None
        return body

    def _close(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._say(status, text)

    def _say(self, status: HTTPStatus, text: str, kind: str = protocol.TEXT_TYPE) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
