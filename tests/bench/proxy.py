"""The proxy's price: the same requests through it, and straight to the simulated server.

A stack of its own, since the one of the other figures has no card. The requests take turns, so
that a slow moment of the machine meets both.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

from ethops.env import CLONE
from ethops.stack import places
from ethops.stack.layout import Layout
from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.supervisor import Supervisor
from tests.bench.figures import Figure, percentile, spread

HOUSE = frozenset({"recorder", "control", "web"})
SLOT = "ops-8b"
SCALE = 0.2
"""A token every 4.4 ms: quicker than any card, slow enough for the simulated server."""
ROUNDS = 30
TOKENS = 100
WARM = 4
READY_SECONDS = 30.0
STAGES = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY
               1000 * extract(epoch FROM w.claimed_at - j.created_at)),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY
               1000 * extract(epoch FROM j.started_at - j.created_at))
      FROM gpu_job j JOIN audit_work w ON w.id = j.id WHERE j.client = 'bench'
"""


@dataclass(slots=True)
class Timed:
    """Milliseconds to the first token, and from there to the last, of each request."""

    first: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    chunks: int = 0


def measure() -> list[Figure]:
    """Return both figures, with what they are made of."""
    with _house() as (supervisor, layout, server):
        headers = {"Authorization": f"Bearer {_key(layout)}"}
        web = psutil.Process(next(p.pid for p in supervisor.processes() if p.name == "web"))
        straight, through, short = Timed(), Timed(), Timed()
        with httpx.Client(timeout=60) as client:
            for _ in range(WARM):
                _ask(client, server, {}, Timed())
                _ask(client, layout.web_url, headers, Timed())
            before = _cpu_ms(web)
            for _ in range(ROUNDS):
                _ask(client, server, {}, straight)
                _ask(client, layout.web_url, headers, through)
            between = _cpu_ms(web)
            for _ in range(ROUNDS):
                _ask(client, layout.web_url, headers, short, tokens=1)
            once = (_cpu_ms(web) - between) / ROUNDS
        stages = _stages(layout)
    chunks = through.chunks / ROUNDS
    added = percentile(through.first, 0.5) - percentile(straight.first, 0.5)
    longer = percentile(through.rest, 0.5) - percentile(straight.rest, 0.5)
    each = ((between - before) / ROUNDS - once) / (chunks - 1)
    return [
        Figure("proxy: added time to the first token, p50", f"{added:.1f} ms", "15 ms"),
        Figure("... straight to the server", spread(straight.first)),
        Figure("... through the proxy and the queue", spread(through.first)),
        Figure("... from its row to its claim, to the card's begin, p50", stages),
        Figure("proxy: added per streamed chunk", f"{longer / (chunks - 1):.2f} ms", "1 ms"),
        Figure("... CPU of the web process", f"{each:.2f} ms, and {once:.1f} ms per request"),
    ]


def _ask(
    client: httpx.Client, url: str, headers: dict[str, str], timed: Timed, tokens: int = TOKENS
) -> None:
    """Stream one answer; nothing else asks meanwhile, so that both find the model loaded."""
    body = {
        "model": SLOT,
        "messages": [{"role": "user", "content": "Say something about Ethernet."}],
        "options": {"num_ctx": 16384, "num_predict": tokens},
        "keep_alive": -1,
    }
    began = time.perf_counter()
    marks = []
    with client.stream("POST", f"{url}/api/chat", json=body, headers=headers) as response:
        for line in response.iter_lines():
            said = json.loads(line)
            assert "error" not in said, said
            if not said["done"]:
                marks.append(time.perf_counter())
    timed.first.append(1000 * (marks[0] - began))
    timed.rest.append(1000 * (marks[-1] - marks[0]))
    timed.chunks += len(marks)


def _cpu_ms(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return 1000 * (spent.user + spent.system)


def _stages(layout: Layout) -> str:
    with psycopg.connect(layout.dsn("ethops_owner")) as link:
        row = link.execute(STAGES).fetchone()
    assert row is not None
    return f"{row[0]:.1f}, {row[1]:.1f} ms"


@contextmanager
def _house() -> Iterator[tuple[Supervisor, Layout, str]]:
    """The web process, a card's worker, and the simulated server of that card."""
    state = Path(tempfile.mkdtemp(prefix="ethops-bench-"))
    port = free_ports().web
    server = f"http://{LOOPBACK}:{port}"
    layout = Layout(
        state=state,
        ports=free_ports(),
        extra_environment={
            "OLLAMA_HOST": f"{LOOPBACK}:{port}",
            "ETHOPS_GPU": str(state / "gpu.yaml"),
            "ETHOPS_GPU_PROFILE": "simulated",
            "ETHOPS_GPU_SCALE": f"{SCALE:g}",
        },
    )
    options = ("--port", str(port), "--scale", f"{SCALE:g}", "--profile", "simulated")
    simulated = subprocess.Popen(
        [sys.executable, "manage.py", "gpu", "simulate", *options],
        cwd=CLONE,
        env={**os.environ, "ETHOPS_STATE": str(state)},
    )
    supervisor = Supervisor(layout, only=HOUSE)
    try:
        _wait(server)
        supervisor.start()
        yield supervisor, layout, server
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


def _key(layout: Layout) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "gpu", "key", "add", "bench", "--tier", "ops"],
        cwd=CLONE,
        env=layout.environment("web"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    for figure in measure():
        sys.stdout.write(f"{figure.what:<66} {figure.found}   {figure.target}\n")
