"""A stack of its own with one simulated card: what the queue's figures are measured on."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from ethops.env import CLONE
from ethops.stack import places
from ethops.stack.layout import Layout
from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.supervisor import Supervisor

PARTS = frozenset({"recorder", "control", "web"})
CARD = "gpu-card0"
READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class CardHouse:
    """A running stack, the address of its card's simulated server, and that one's event log."""

    supervisor: Supervisor
    layout: Layout
    server: str
    events: Path

    def process(self, name: str) -> psutil.Process:
        """Return one process of the stack."""
        return psutil.Process(next(p.pid for p in self.supervisor.processes() if p.name == name))

    def python(self, process: str, *words: str) -> str:
        """Run a module of ours with the login of a process; return what it says."""
        return self._run(process, "-m", *words)

    def manage(self, *words: str) -> str:
        """Run a command as the app; return what it says."""
        return self._run("web", "manage.py", *words)

    def _run(self, process: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=CLONE,
            env=self.layout.environment(process),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@contextmanager
def card_house(scale: float) -> Iterator[CardHouse]:
    """Start the web process, a card's worker, and the simulated server of that card."""
    state = Path(tempfile.mkdtemp(prefix="ethops-bench-"))
    port = free_ports().web
    server, events = f"http://{LOOPBACK}:{port}", state / "events.jsonl"
    layout = Layout(
        state=state,
        ports=free_ports(),
        extra_environment={
            "OLLAMA_HOST": f"{LOOPBACK}:{port}",
            "ETHOPS_GPU": str(state / "gpu.yaml"),
            "ETHOPS_GPU_PROFILE": "simulated",
            "ETHOPS_GPU_SCALE": f"{scale:g}",
        },
    )
    options = ("--port", str(port), "--scale", f"{scale:g}", "--profile", "simulated")
    simulated = subprocess.Popen(
        [sys.executable, "manage.py", "gpu", "simulate", *options, "--events", str(events)],
        cwd=CLONE,
        env={**os.environ, "ETHOPS_STATE": str(state)},
        stdout=subprocess.DEVNULL,
    )
    supervisor = Supervisor(layout, only=PARTS)
    try:
        _wait(server)
        supervisor.start()
        yield CardHouse(supervisor, layout, server, events)
    finally:
        supervisor.stop()
        simulated.kill()
        simulated.wait()
        places.remove(layout.where)
        shutil.rmtree(state, ignore_errors=True)


def _wait(server: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(server, timeout=1.0)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the simulated server did not come up")
