"""A Prometheus that knows what one value was at any time, and which targets it has."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

NAN: Final = "NaN"


@dataclass
class Prometheus:
    """`knows` says what each series was at a time, in seconds; None where it was not there."""

    knows: dict[str, Callable[[float], float | str | None]] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    """Instances of its job `node`, all of them up."""
    asked: list[dict[str, str]] = field(default_factory=list)
    is_away: bool = False
    url: str = ""

    def answer(self, door: str, said: dict[str, str]) -> dict[str, Any] | None:
        """Return a range vector, or what is up; None for what it does not know."""
        self.asked.append(said)
        if door == "query_range":
            return self._course(said)
        return self._up() if (door, said.get("query")) == ("query", "up") else None

    def _up(self) -> dict[str, Any]:
        rows = [
            {"metric": {"__name__": "up", "instance": name, "job": "node"}, "value": [1.5, "1"]}
            for name in self.targets
        ]
        return {"status": "success", "data": {"resultType": "vector", "result": rows}}

    def _course(self, said: dict[str, str]) -> dict[str, Any]:
        begin, end, step = (float(said[name]) for name in ("start", "end", "step"))
        times = [begin + n * step for n in range(int((end - begin) / step) + 1)]
        rows = [
            {"metric": {"instance": name},
             "values": [[at, str(v)] for at in times if (v := value(at)) is not None]}
            for name, value in self.knows.items()
        ]  # fmt: skip
        result = [row for row in rows if row["values"]]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@contextmanager
def served(prometheus: Prometheus) -> Iterator[Prometheus]:
    """Serve it on loopback until the block is left."""
    handler = type("Handler", (_Handler,), {"prometheus": prometheus})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    prometheus.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield prometheus
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    prometheus: Prometheus

    def do_GET(self) -> None:
        if self.prometheus.is_away:
            self.prometheus.asked.append({})
            self.send_error(503)
            return
        parts = urlsplit(self.path)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = self.prometheus.answer(parts.path.removeprefix("/api/v1/"), said)
        if found is None:
            self.send_error(404)
            return
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the test's output."""
