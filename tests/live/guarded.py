"""Our own house in front of an Ollama: the proxy, the relay, and the worker of one card."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg

from ethops.env import CLONE
from ethops.stack.layout import Layout
from ethops.stack.matrix import gpu_worker, processes
from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.spawn import spawn
from tests.live.real import EMBED, OPTIONS, QUICK, SLOW
from tests.live.served import Served
from tests.servers import Servers

CARD = "live"
LONGEST_START = 120.0
KEYS = {"lab": "research", "pager": "ops"}
"""Clients of the proxy and their tiers."""

SLOT = """
INSERT INTO gpu_slot (name, model, kind, options, context, vram_mb, load_s, tokens_per_s,
                      prefill_per_s, tiers, continues)
VALUES (%s, %s, %s, %s, %s, 500, 0.3, %s, 5000, %s, %s)
"""
ONE_CARD = """
INSERT INTO gpu_card (name, url, vram_mb, reserve_mb, single) VALUES (%s, %s, 8000, 0, true)
"""
CLIENT = """
INSERT INTO gpu_client (name, key_hash, tier, max_waiting) VALUES (%s, %s, %s, 64)
"""

Guard = Callable[[str], dict[str, Served]]
"""`guard(url)`: our house in front of that Ollama, as each of its clients sees it."""


@contextmanager
def house(
    servers: Servers, database: str, redis_number: int, upstream: str, folder: Path
) -> Iterator[dict[str, Served]]:
    """Start web, control and the card's worker on a database that is there; stop them after."""
    keys = _furnish(servers.dsn("ethops_owner", database), upstream)
    layout = Layout(
        state=servers.layout.state,
        ports=replace(free_ports(), postgres=servers.layout.ports.postgres),
        database_url=servers.dsn("ethops_app", database),
        redis_url=servers.redis_url(redis_number),
        extra_environment={
            "ETHOPS_STATE": str(folder),
            "ETHOPS_SITE": str(folder / "site.yaml"),
            "ETHOPS_DATABASE_POOL": "1",
        },
    )
    wanted = {each.name: each for each in processes(layout.ports)}
    ours = (wanted["web"], wanted["control"], gpu_worker(CARD))
    running: list[subprocess.Popen[bytes]] = []
    try:
        for process in ours:
            environment = layout.environment(process.kind, process.card)
            log = folder / "log" / f"{process.name}.log"
            running.append(spawn(process.command, environment=environment, folder=CLONE, log=log))
        url = f"http://{LOOPBACK}:{layout.ports.web}"
        _await(url, keys["lab"], running, folder)
        yield {
            name: Served(
                *(f"guarded for {name}", url),
                chat=QUICK,
                embed=EMBED,
                is_proxy=True,
                headers={"Authorization": f"Bearer {key}"},
            )
            for name, key in keys.items()
        }
    finally:
        _stop(running)


def _furnish(owner: str, upstream: str) -> dict[str, str]:
    keys = {name: f"ethops-live-{name}-{os.urandom(8).hex()}" for name in KEYS}
    with psycopg.connect(owner, autocommit=True) as link:
        for name, speed in ((QUICK, 2500), (SLOW, 150)):
            tiers = json.dumps(["ops", "research"])
            options = json.dumps(OPTIONS)
            row = [name, name, "chat", options, OPTIONS["num_ctx"], speed, tiers, "assistant"]
            link.execute(SLOT, row)
        options = json.dumps({"num_ctx": 128, "num_thread": 1})
        tiers = json.dumps(["embedding", "research"])
        link.execute(SLOT, [EMBED, EMBED, "embed", options, 128, 1, tiers, ""])
        link.execute(ONE_CARD, [CARD, upstream])
        for name, tier in KEYS.items():
            digest = hashlib.sha256(keys[name].encode()).hexdigest()
            link.execute(CLIENT, [name, digest, tier])
    return keys


def _await(url: str, key: str, running: Sequence["subprocess.Popen[bytes]"], folder: Path) -> None:
    """Wait until a request goes all the way through."""
    until = time.monotonic() + LONGEST_START
    body = {"model": QUICK, "prompt": "hello", "stream": False, "options": {"num_predict": 1}}
    said = ""
    while time.monotonic() < until and all(process.poll() is None for process in running):
        try:
            headers = {"Authorization": f"Bearer {key}"}
            answer = httpx.post(f"{url}/api/generate", json=body, headers=headers, timeout=30)
        except httpx.HTTPError as error:
            said = str(error)
        else:
            if answer.status_code == httpx.codes.OK:
                return
            said = answer.text[:300]
        time.sleep(0.2)
    logs = [f"{log.name}:\n{log.read_text()[-1500:]}" for log in folder.glob("log/*.log")]
    raise AssertionError("\n".join(["our house does not answer:", said, *logs]))


def _stop(running: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in reversed(running):
        process.terminate()
    for process in running:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
