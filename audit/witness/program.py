"""A witness as a program: its options, its files, its server, and what it prints."""

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from audit.errors import NoteError
from audit.ledger.notes import Key, Kind
from audit.witness.errors import WitnessError
from audit.witness.protocol import Logs
from audit.witness.server import Server, Witness
from audit.witness.state import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--listen", default="127.0.0.1:8200", metavar="HOST:PORT")
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="FILE",
        help="what was signed; the key lies beside it in FILE.key",
    )
    parser.add_argument(
        "--log",
        nargs="+",
        action="extend",
        required=True,
        metavar="VKEY",
        help="the logs to witness; further keys of one may be among them",
    )
    parser.add_argument("--name", default="", help="of a new key; this host's name if not said")


def logs_of(vkeys: Sequence[str]) -> Logs:
    """Return the logs that keys name: the name of a key is the origin of its log.

    Raises:
        NoteError: one is no key of a log.
    """
    logs: dict[str, list[Key]] = {}
    for vkey in vkeys:
        key = Key.parse(vkey)
        if key.kind is not Kind.NOTE:
            raise NoteError(f"{vkey!r} is the key of a witness, not of a log")
        logs.setdefault(key.name, []).append(key)
    return logs


def serve(*, listen: str, state: Path, log: Sequence[str], name: str) -> None:
    """Witness until SIGTERM or SIGINT.

    Raises:
        WitnessError: it could not begin.
        NoteError: a key of a log cannot be used.
    """
    logs = logs_of(log)
    store = Store.open(state, name or socket.gethostname())
    try:
        server = Server(_address(listen), Witness(store, logs))
    except OSError as fault:
        store.close()
        raise WitnessError(f"cannot listen on {listen}: {fault.strerror}") from fault
    host, port = server.server_address[:2]
    for line in (
        f"vkey     {store.signer.key.vkey}",
        f"listens  http://{host!s}:{port}",
        f"state    {state}, {len(store.origins())} logs signed so far",
        *(f"log      {origin}" for origin in logs),
    ):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop, which runs in this very thread.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    store.close()


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise WitnessError(f"{listen!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
