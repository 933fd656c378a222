"""The real web process on a port of its own, for tests that speak HTTP."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ethops.env import CLONE
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from ethops.stack.ports import free_ports
from ethops.stack.spawn import spawn
from tests.servers import Servers

PATIENCE_SECONDS = 60.0


@contextmanager
def served(servers: Servers, database_name: str, folder: Path) -> Iterator[str]:
    """Start the web process on this worker's database; yields its address."""
    layout = Layout(
        state=servers.layout.state,
        ports=free_ports(),
        database_url=servers.dsn("ethops_app", database_name),
        redis_url=servers.redis_url(0),
    )
    web = next(process for process in processes(layout.ports) if process.name == "web")
    log = folder / "log" / "web.log"
    own = {"ETHOPS_STATE": str(folder), "ETHOPS_SITE": str(folder / "site.yaml")}
    started = spawn(
        web.command, environment={**layout.environment("web"), **own}, folder=CLONE, log=log
    )
    try:
        _wait(layout.web_url, log)
        yield layout.web_url
    finally:
        started.kill()
        started.wait()


def _wait(address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/healthz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the web process did not get ready:\n{log.read_text()[-2000:]}")
