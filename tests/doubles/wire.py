"""A wire to a server that can be cut and mended: so clients see a server that was stopped."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

LOOPBACK = "127.0.0.1"


@dataclass
class Wire:
    """Forwards a port of its own to a server of this host."""

    target: int
    port: int = 0
    _listening: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.mend()

    def through(self, url: str) -> str:
        """Return the address of the server as it is reached over this wire."""
        parts = urlsplit(url)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{login}{LOOPBACK}:{self.port}"))

    def mend(self) -> None:
        """Take connections (again), on the same port."""
        self._listening = socket.create_server((LOOPBACK, self.port), backlog=64)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        if self._listening is not None:
            # Closing alone would leave the thread in accept, and the port open.
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for each in [*self._open]:
            _shut(each)
        self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
                there = socket.create_connection((LOOPBACK, self.target))
            except OSError:
                return
            self._open |= {here, there}
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    _shut(one)
    _shut(other)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
