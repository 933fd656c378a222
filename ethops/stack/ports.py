"""Loopback ports: which are free, and who holds one that is not."""

import errno
import os
import socket
from collections import deque
from dataclasses import dataclass
from typing import Final

import psutil

from ethops.stack.errors import PortTakenError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The four loopback ports of one stack."""

    web: int = 8100
    flower: int = 8105
    postgres: int = 5433
    redis: int = 6380


VARIABLES = {
    "web": "ETHOPS_WEB_PORT",
    "flower": "ETHOPS_FLOWER_PORT",
    "postgres": "ETHOPS_PG_PORT",
    "redis": "ETHOPS_REDIS_PORT",
}
"""Field of Ports -> the variable that moves it."""

MOST_HELD: Final = 128
_HELD: Final = deque[int]()
"""Sockets that hold the ports that were given last, until this process ends."""


def free_ports() -> Ports:
    """Four ports that nobody holds just now, for tests and for stacks beside others.

    They stay bound here, where nobody listens: a server that reuses addresses, as ours do, may
    listen there, and the kernel gives none of them to anybody else, neither before it has started
    nor while it is started again.
    """
    found = []
    for _ in range(4):
        holder = socket.socket()
        holder.bind((LOOPBACK, 0))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.append(holder.getsockname()[1])
        _HELD.append(holder.detach())
    while len(_HELD) > MOST_HELD:
        os.close(_HELD.popleft())
    return Ports(*found)


def require_free(name: str, port: int) -> None:
    """PortTakenError, with the owner's name and a mend, if somebody listens on this port."""
    if is_free(port):
        return
    other = next(n for n in range(port + 1, port + 200) if is_free(n))
    raise PortTakenError(
        f"port {port} is taken by {owner(port)}",
        hint=f"Either stop it, or start with {VARIABLES[name]}={other} make up.",
    )


def is_free(port: int) -> bool:
    """True if we could listen on this port now."""
    with socket.socket() as probe:
        # As the servers do it: a port whose last connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as fault:
            if fault.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def owner(port: int) -> str:
    """Who listens on a port, in words: `postgres, pid 812 (user ada)`."""
    try:
        held = [
            link.pid
            for link in psutil.net_connections(kind="tcp")
            if link.status == psutil.CONN_LISTEN and link.laddr and link.laddr.port == port
        ]
    except psutil.AccessDenied:
        held = []
    pid = next((pid for pid in held if pid), None)
    if pid is None:
        return "a process of another user"
    try:
        process = psutil.Process(pid)
        return f"{process.name()}, pid {pid} (user {process.username()})"
    except psutil.Error:
        return f"pid {pid}"
