"""A server that says what it is told to say, byte for byte."""

import re
import socket
import threading
from collections.abc import Callable

Speak = Callable[[socket.socket], None]


def plain(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n "
"""An answer whose first byte has come."""


def silent(link: socket.socket) -> None:
    """Say nothing at all while the other side waits."""
    link.recv(1)


def request(link: socket.socket) -> bytes:
    heard = b""
    while (part := link.recv(1 << 16)) != b"":
        heard += part
        head, _, body = heard.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if b"\r\n\r\n" in heard and len(body) >= (int(length[1]) if length else 0):
            break
    return heard


class Peer:
    """Accepts connections, keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.speak: Speak = lambda _link: None
        self.heard: list[bytes] = []
        self.ended = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link:
            self.heard.append(request(link))
            try:
                self.speak(link)
            except OSError:
                self.ended.set()

    def sends(self, *parts: bytes) -> None:
        def speak(link: socket.socket) -> None:
            for part in parts:
                link.sendall(part)

        self.speak = speak

    def close(self) -> None:
        # Whoever still accepts must have ended: the number of a closed socket is soon another's.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(5)
        self._listening.close()
