"""Runs the simulated server: until it is stopped, or in a thread for as long as a block lasts."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import uvicorn

from adapters.inference import embedded
from adapters.inference.port import Inference
from gpu.simulated.app import application
from gpu.simulated.card import SimulatedCard
from gpu.simulated.events import EventLog
from gpu.simulated.running import Machine

START_S: Final = 10.0
STOP_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Simulated:
    """A server that runs: where it answers, and its insides to look at."""

    url: str
    machine: Machine


def serve(
    card: SimulatedCard,
    *,
    host: str = "127.0.0.1",
    port: int = 11434,
    events: Path | None = None,
    engine: Inference | None = None,
) -> None:
    """Answer until a signal ends the process."""
    _server(_machine(card, events, engine), host, port).run()


@contextmanager
def simulated(
    card: SimulatedCard,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    events: Path | None = None,
    engine: Inference | None = None,
) -> Iterator[Simulated]:
    """Answer from a thread of this process within the block; port 0 takes a free one."""
    machine = _machine(card, events, engine)
    with socket.create_server((host, port), backlog=512) as listening:
        server = _server(machine, host, port)
        thread = threading.Thread(
            target=server.run, args=([listening],), name="simulated-ollama", daemon=True
        )
        thread.start()
        try:
            _await_start(server)
            yield Simulated(f"http://{host}:{listening.getsockname()[1]}", machine)
        finally:
            server.should_exit = True
            thread.join(STOP_S)


def _machine(card: SimulatedCard, events: Path | None, engine: Inference | None) -> Machine:
    return Machine(card, EventLog(events), engine or _rules())


@cache
def _rules() -> Inference:
    return embedded.Inference()


def _server(machine: Machine, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        application(machine),
        host=host,
        port=port,
        # Cut streams are ordered here; the server would log each as an error of ours.
        log_level="critical",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        # uvloop keeps time by the millisecond, and would end waits too early.
        loop="asyncio",
    )
    return uvicorn.Server(config)


def _await_start(server: uvicorn.Server) -> None:
    until = time.monotonic() + START_S
    while not server.started:
        if time.monotonic() > until:
            raise TimeoutError(f"The simulated server did not start within {START_S:g} s.")
        time.sleep(0.002)
