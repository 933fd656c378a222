"""The webhook at an even pace over loopback, beside a bare insert view in the same run."""

import asyncio
import hashlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from ethops.env import CLONE
from ethops.stack.ports import LOOPBACK, free_ports
from tests.bench import pace
from tests.bench.stack import Stack
from tests.chaos.world import delivery

START_SECONDS = 30.0
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
            ours += _load(webhook, token, per_second, seconds / 2)
            stack.drain()
            peer += _load(bare, token, per_second, seconds / 2)
        return ours, peer


def _load(url: str, token: str, per_second: float, seconds: float) -> list[float]:
    requests = [_request(url, token) for _ in range(int(per_second * seconds) + pace.AT_ONCE)]
    answers = asyncio.run(pace.even(url, requests, per_second))
    assert {one.status for one in answers} == {202}, answers
    return [one.took_ms for one in answers]


def _request(url: str, token: str) -> bytes:
    """A whole request; one cause, so that what the alerts lead to folds into one incident."""
    said = delivery("BenchAlert", secrets.token_hex(8), pod=secrets.token_hex(4), job="bench")
    return pace.request(url, json.dumps(said).encode(), {"Authorization": f"Bearer {token}"})


@contextmanager
def _bare(stack: Stack) -> Iterator[str]:
    port = free_ports().web
    said = stack.layout.environment("web") | {"DJANGO_SETTINGS_MODULE": "tests.bench.bare"}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "ethops.asgi:application", "--host", LOOPBACK, "--port",
         str(port), "--lifespan", "off", "--loop", "uvloop", "--http", "h11",
         "--no-access-log", "--log-level", "warning"],
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
