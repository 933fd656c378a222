"""The webhook at an even pace over loopback, beside a bare insert view in the same run."""

import asyncio
import hashlib
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from ethops.env import CLONE
from ethops.stack.ports import LOOPBACK, free_ports
from tests.bench.stack import Stack
from tests.chaos.world import delivery

Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""One connection to the server."""

AT_ONCE = 32
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
START_SECONDS = 30.0
DRAIN_SECONDS = 120.0
OPEN = "SELECT count(*) FROM public.audit_work WHERE state IN ('waiting', 'ready', 'leased')"
TABLE = """
    CREATE TABLE public.bench_bare (id bigserial PRIMARY KEY, raw bytea NOT NULL);
    GRANT INSERT ON public.bench_bare TO ethops_app;
    GRANT USAGE ON SEQUENCE public.bench_bare_id_seq TO ethops_app;
"""


def measure(stack: Stack, *, per_second: float, seconds: float) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each answer of the webhook and of the bare view."""
    token = secrets.token_urlsafe(16)
    with stack.connect("owner") as owner:
        owner.execute(
            "INSERT INTO public.desk_sender (name, token_hash, enabled) VALUES ('bench', %s, true)",
            [hashlib.sha256(token.encode()).hexdigest()],
        )
        owner.execute(TABLE)
    webhook = f"{stack.layout.web_url}/api/v1/webhooks/alertmanager"
    with _bare(stack) as bare:
        ours: list[float] = []
        peer: list[float] = []
        # Turn by turn, so that a slow moment of the machine meets both.
        for _ in range(2):
            ours += asyncio.run(_load(webhook, token, per_second, seconds / 2))
            _drained(stack)
            peer += asyncio.run(_load(bare, token, per_second, seconds / 2))
        return ours, peer


def _drained(stack: Stack) -> None:
    """Wait until what was delivered has been worked off: the peer leaves nothing to do."""
    deadline = time.monotonic() + DRAIN_SECONDS
    with stack.connect("owner") as owner:
        while time.monotonic() < deadline:
            row = owner.execute(OPEN).fetchone()
            if row == (0,):
                return
            time.sleep(0.2)
    raise TimeoutError("the deliveries were not worked off")


async def _load(url: str, token: str, per_second: float, seconds: float) -> list[float]:
    """Send at the pace, whatever the answers; milliseconds from when each was due."""
    count = int(per_second * seconds)
    requests = [_request(url, token) for _ in range(count + AT_ONCE)]
    lines = [await _connected(url) for _ in range(AT_ONCE)]
    free: asyncio.Queue[Line] = asyncio.Queue()
    for line in lines:  # caches and the server's threads
        await _ask(line, requests.pop())
        free.put_nowait(line)
    began = time.monotonic()

    async def one(number: int) -> float:
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        line = await free.get()
        await _ask(line, requests[number])
        free.put_nowait(line)
        return (time.monotonic() - due) * 1000

    times = list(await asyncio.gather(*(one(number) for number in range(count))))
    for _, writer in lines:
        writer.close()
    return times


def _request(url: str, token: str) -> bytes:
    """A whole request; one cause, so that what the alerts lead to folds into one incident."""
    said = delivery("BenchAlert", secrets.token_hex(8), pod=secrets.token_hex(4), job="bench")
    body = json.dumps(said).encode()
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _connected(url: str) -> Line:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _ask(line: Line, request: bytes) -> None:
    """One exchange on a line that is kept; as little work as can be, next to what is measured."""
    reader, writer = line
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 202"), head
    length = LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))


@contextmanager
def _bare(stack: Stack) -> Iterator[str]:
    port = free_ports().web
    said = stack.layout.environment("web") | {"DJANGO_SETTINGS_MODULE": "tests.bench.bare"}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "ethops.asgi:application", "--host", LOOPBACK, "--port",
         str(port), "--lifespan", "off", "--no-access-log", "--log-level", "warning"],
        cwd=CLONE,
        env=said,
    )  # fmt: skip
    url = f"http://{LOOPBACK}:{port}/bare"
    try:
        _await(url)
        yield url
    finally:
        process.kill()
        process.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            httpx.post(url, content=b"ready?", trust_env=False)
            return
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
