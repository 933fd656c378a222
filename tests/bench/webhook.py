"""The webhook at an even pace over loopback, beside a bare insert view in the same run."""

import asyncio
import hashlib
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from ethops.env import CLONE
from ethops.stack.ports import LOOPBACK, free_ports
from tests.bench.stack import Stack
from tests.chaos.world import delivery

AT_ONCE = 50
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
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        limits=limits, headers=headers, timeout=30, trust_env=False
    ) as client:
        await asyncio.gather(*(_post(client, url, 0.0) for _ in range(8)))  # connections, caches
        began = time.monotonic()
        due = [began + number / per_second for number in range(int(per_second * seconds))]
        return list(await asyncio.gather(*(_post(client, url, at) for at in due)))


async def _post(client: httpx.AsyncClient, url: str, due: float) -> float:
    """Milliseconds from when it was due, so that a stalled server is not spared the queue."""
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    # One cause: what the alerts lead to is folded into one incident.
    body = delivery("BenchAlert", secrets.token_hex(8), pod=secrets.token_hex(4), job="bench")
    began = due or time.monotonic()
    answer = await client.post(url, json=body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return (time.monotonic() - began) * 1000


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
