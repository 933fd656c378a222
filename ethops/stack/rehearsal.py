"""A stack of its own for one replay: the simulated server, the real queue, thrown away after."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ethops import env, peers
from ethops.env import CLONE
from ethops.stack import places
from ethops.stack.errors import ServerFailedError
from ethops.stack.layout import Layout
from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.postgres import UNSAFE_FOR_TESTS
from ethops.stack.spawn import spawn
from ethops.stack.supervisor import Supervisor

PARTS = frozenset({"recorder", "control"})
"""What a replay needs of the house beside the card's worker."""
READY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A running stack with one simulated card, and what a child of it has to know."""

    layout: Layout
    server: str

    def run(self, *arguments: str) -> int:
        """Run a command of ours against this stack in front of the terminal; its exit status."""
        done = subprocess.run(
            [sys.executable, str(CLONE / "manage.py"), *arguments],
            env=self.layout.environment("web"),
            cwd=Path.cwd(),
            check=False,
        )
        return done.returncode


@contextmanager
def rehearsal(
    *, scale: float, policy: str, events: Path, more: Mapping[str, str] | None = None
) -> Iterator[Rehearsal]:
    """Start a simulated server and the parts of the house that serve its card.

    Raises:
        StackError: something did not start.
    """
    state = Path(tempfile.mkdtemp(prefix="ethops-replay-"))
    ports, port = free_ports(), free_ports().web
    address = f"{LOOPBACK}:{port}"
    layout = Layout(
        state=state,
        ports=ports,
        extra_environment={
            **one_card(state, address),
            "ETHOPS_GPU_POLICY": policy,
            "ETHOPS_GPU_SCALE": f"{scale:g}",
            **(more or {}),
        },
        postgres_settings=UNSAFE_FOR_TESTS,
    )
    server = _simulated(layout, port, scale, events)
    supervisor = Supervisor(layout, only=PARTS)
    try:
        _wait(server, f"http://{address}/", layout.where.log("simulated"))
        supervisor.start()
        yield Rehearsal(layout, f"http://{address}")
        shutil.rmtree(layout.where.logs, ignore_errors=True)
    finally:
        supervisor.stop()
        server.kill()
        server.wait()
        places.remove(layout.where)
        # After a failure the logs stay, to be read.
        if not layout.where.logs.exists():
            shutil.rmtree(state, ignore_errors=True)


def one_card(state: Path, address: str) -> dict[str, str]:
    """Return the variables by which a stack has the simulated card, whatever the site's has."""
    return {
        "OLLAMA_HOST": address,
        "ETHOPS_GPU": str(state / "gpu.yaml"),
        "ETHOPS_GPU_PROFILE": "simulated",
        **dict.fromkeys((peers.INFERENCE_URL, peers.INFERENCE_MODEL, peers.INFERENCE_KEY_FILE), ""),
    }


def _simulated(layout: Layout, port: int, scale: float, events: Path) -> "subprocess.Popen[bytes]":
    command = (
        *(sys.executable, CLONE / "manage.py", "gpu", "simulate", "--port", str(port)),
        *("--scale", f"{scale:g}", "--profile", "simulated", "--events", str(events)),
    )
    return spawn(
        command,
        environment={**env.inherited(), "ETHOPS_STATE": str(layout.state)},
        folder=CLONE,
        log=layout.where.log("simulated"),
    )


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url, timeout=1.0).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise ServerFailedError(
        "the simulated server did not come up", hint="Its log says why.", log=log
    )
