"""Two hundred clients wait at once: no thread for each, flat memory, and nothing lost."""

import asyncio
import gc
import http.client
import json
import threading
import tracemalloc

import httpx
from django.db import connection

from gpu.proxy.hub import THREADS
from gpu.proxy.limits import LARGEST_BODY
from tests.integration.gpu.proxy.parts import WHY, states
from tests.waiting import eventually

MANY = 200
OTHERS = 6
"""The server's own thread, the worker's, and what the clients of both sides start."""


async def ask(client, number):
    body = {"model": "ops", "messages": [{"role": "user", "content": f"{number}"}]}
    async with client.stream("POST", "/api/chat", json=body) as response:
        lines = [json.loads(line) async for line in response.aiter_lines()]
    return "".join(line["message"]["content"] for line in lines)


def echo(held):
    said = held.request["messages"][0]["content"]
    for part in ("you ", "said ", said):
        held.say(part)
    held.done()


def everybody_waits():
    try:
        eventually(lambda: states().count("ready") == MANY, seconds=60)
    finally:
        connection.close()


def test_two_hundred_streams_wait_and_lose_nothing(lab, answers):
    threads = threading.active_count()

    async def all_of_them():
        limits = httpx.Limits(max_connections=MANY)
        async with httpx.AsyncClient(
            base_url=lab.address, headers=lab.headers, limits=limits, timeout=120
        ) as client:
            asked = [asyncio.create_task(ask(client, number)) for number in range(MANY)]
            await asyncio.to_thread(everybody_waits)
            most = threading.active_count()
            with answers(echo):
                return most, await asyncio.gather(*asked)

    most, said = asyncio.run(all_of_them())
    assert said == [f"you said {number}" for number in range(MANY)]
    assert most - threads <= THREADS + OTHERS
    assert set(states()) == {"done"}


def sent(lab, padding):
    link = http.client.HTTPConnection(lab.address.removeprefix("http://"), timeout=30)
    whole = json.dumps({"model": "ops", "messages": WHY, "padding": "PAD"}).encode()
    link.request("POST", "/api/chat", whole.replace(b"PAD", padding), lab.headers)
    return link


def test_a_waiting_request_keeps_nothing_of_its_body(lab, worker):
    with lab.leaving():
        eventually(lambda: states() == ["ready"])
        gc.collect()
        tracemalloc.start()
        try:
            link = sent(lab, b"y" * (LARGEST_BODY - 1000))
            eventually(lambda: states() == ["ready", "ready"])
            gc.collect()
            kept, most = tracemalloc.get_traced_memory()
            link.close()
        finally:
            tracemalloc.stop()
    assert kept < LARGEST_BODY / 3 < LARGEST_BODY < most
