"""What the tests of the proxy share: a server, requests, and patience."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from gpu.models import Job
from gpu.proxy.app import application
from tests.waiting import eventually

WHY = [{"role": "user", "content": "why?"}]


@contextmanager
def serving(app: Any = application) -> Iterator[str]:
    """Serve an ASGI application in a thread; yields its address."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def states() -> list[str]:
    """The states of all jobs, the oldest first."""
    return list(Job.objects.order_by("created_at").values_list("id__state", flat=True))


class Asking:
    """One client of the proxy."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", headers=self.headers, timeout=30, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        said = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx.post(f"{self.address}{path}", headers=self.headers, timeout=30, **said, **more)

    def chat(self, **more: Any) -> httpx.Response:
        """Ask and wait for the whole answer."""
        return self.post("/api/chat", {"model": "ops", "messages": WHY, "stream": False, **more})

    @contextmanager
    def leaving(self, path: str = "/api/chat", **more: Any) -> Iterator[http.client.HTTPConnection]:
        """Ask over a connection that is closed at the end of the block, whatever came."""
        body = {"model": "ops", "messages": WHY, "stream": True, **more}
        link = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=30)
        link.request("POST", path, json.dumps(body), self.headers)
        try:
            yield link
        finally:
            link.close()

    def reading(self, path: str = "/api/chat", **more: Any) -> "Reading":
        """Ask for a stream, and read it beside the test."""
        body = {"model": "ops", "messages": WHY, "stream": True, **more}
        return Reading(f"{self.address}{path}", self.headers, body)


class Reading(threading.Thread):
    """Reads a stream to its end."""

    def __init__(self, url: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        super().__init__()
        self.sent = (url, headers, body)
        self.lines: list[str] = []
        self.response: httpx.Response | None = None
        self.faults: list[Exception] = []
        self.start()

    def run(self) -> None:
        url, headers, body = self.sent
        try:
            with httpx.stream("POST", url, json=body, headers=headers, timeout=60) as response:
                self.response = response
                for line in response.iter_lines():
                    if line:
                        self.lines.append(line)
        except httpx.HTTPError as fault:
            self.faults.append(fault)

    def whole(self) -> list[str]:
        """Every line, once the stream has ended."""
        self.join(60)
        assert not self.is_alive()
        assert not self.faults, self.faults
        return self.lines

    @property
    def said(self) -> list[dict[str, Any]]:
        """Every line of Ollama's, once the stream has ended."""
        return [json.loads(line) for line in self.whole()]

    @property
    def text(self) -> str:
        """What a client of `/api/chat` has in the end."""
        return "".join(line["message"]["content"] for line in self.said)

    @property
    def events(self) -> list[Any]:
        """Every event of OpenAI's, once the stream has ended."""
        data = [line.removeprefix("data: ") for line in self.whole() if line.startswith("data:")]
        return [json.loads(one) if one != "[DONE]" else one for one in data]
