"""The small world that the stack looks after: services, directories, and who is told."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from ethops.demo.service import WELL
from ethops.env import CLONE
from tests.chaos.history import Effect

LOOPBACK = "127.0.0.1"
OLD_FILES = 40
MOST_FILES = 10
SIX_HOURS = 6 * 3600
PER_HOST = 5
"""Of a host with more CIs that are ill at once, agents suspect the host, and repair none."""


@dataclass(slots=True)
class Sink:
    """Receives notices over HTTP and keeps the key and the time of each POST."""

    posts: list[Effect] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        sink = self

        class Inbox(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                at = datetime.now(UTC)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sink.posts.append(Effect("notice", self.headers.get("Idempotency-Key", ""), at))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Inbox)
        threading.Thread(target=self.server.serve_forever, name="sink", daemon=True).start()

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://{LOOPBACK}:{self.server.server_address[1]}/ops"

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@dataclass(frozen=True, slots=True)
class World:
    """A folder with supervised services and directories, by name of their CI."""

    home: Path
    services: dict[str, int]
    """CI -> its port."""
    directories: tuple[str, ...]
    plain: tuple[str, ...]
    """CIs that exist and for which nothing can be done."""
    interval_s: float = 1.0
    """So often each is probed."""
    autonomy: dict[str, float] = field(default_factory=dict)
    """What else is declared of how far agents may go."""

    def site(self, notify: str) -> dict[str, Any]:
        """What an operator would declare."""
        stands = {
            name: _host(number // PER_HOST)
            for number, name in enumerate((*self.services, *self.directories))
        }
        cis = [
            *(self._service(name, port, stands[name]) for name, port in self.services.items()),
            *(self._directory(name, stands[name]) for name in self.directories),
            *({"ref": name, "name": name, "class": "queue"} for name in self.plain),
        ]
        return {
            "hosts": [
                {"name": host, "connection": "local"} for host in dict.fromkeys(stands.values())
            ],
            "cis": cis,
            "notify": {"kind": "http", "url": notify},
            # Whoever is killed on purpose is no sign of trouble with agents.
            "autonomy": {
                "breaker_failed": 1000,
                "breaker_denied": 1000,
                "breaker_abandoned": 1000,
                **self.autonomy,
            },
        }

    def write_site(self, path: Path, notify: str) -> None:
        """Write it."""
        path.write_text(yaml.safe_dump(self.site(notify)), encoding="utf-8")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the services under the demo's keeper."""
        kept = [
            {
                "name": name,
                "command": [
                    sys.executable, "-m", "tests.doubles.service", "--starts",
                    str(self._starts(name)), "--name", name, "--port", str(port),
                ],
                "pidfile": str(self._pidfile(name)),
            }
            for name, port in self.services.items()
        ]  # fmt: skip
        declaration = self.home / "keeper.json"
        declaration.write_text(json.dumps(kept), encoding="utf-8")
        for name in self.directories:
            (self.home / name).mkdir()
        keeper = subprocess.Popen(
            [sys.executable, "-m", "ethops.demo.keeper", str(declaration)],
            cwd=CLONE,
            stdin=subprocess.PIPE,
        )
        try:
            yield
        finally:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(10)

    def freeze(self, name: str) -> None:
        """Stop a service so that it accepts and never answers."""
        os.kill(int(self._pidfile(name).read_text(encoding="ascii")), signal.SIGSTOP)

    def fill(self, name: str) -> None:
        """Put more old logs into a directory than it may hold."""
        fill(self.home / name)

    def restarts(self) -> dict[str, int]:
        """How often each service was started again."""
        return {
            name: len(self._starts(name).read_text(encoding="ascii").splitlines()) - 1
            for name in self.services
        }

    def is_well(self, name: str) -> bool:
        """Look at the thing itself: whether it was mended."""
        if name in self.services:
            return self.restarts()[name] > 0
        return len(list((self.home / name).iterdir())) <= MOST_FILES

    def is_up(self) -> bool:
        """Tell whether every service has started once."""
        return all(self._starts(name).exists() for name in self.services)

    def _service(self, name: str, port: int, host: str) -> dict[str, Any]:
        return {
            "ref": name,
            "name": name,
            "class": "demo_service",
            "host": host,
            "attributes": {
                "pidfile": str(self._pidfile(name)),
                "command": f"--name {name} --port",
            },
            "probes": [
                {
                    "kind": "http", "name": f"{name}-page", "url": f"http://{LOOPBACK}:{port}/",
                    "contains": WELL, "timeout_s": 3.0, "interval_s": self.interval_s,
                    "bad_after": 2, "good_after": 1,
                    "alertname": "PageNotWell", "severity": "critical",
                }
            ],
        }  # fmt: skip

    def _directory(self, name: str, host: str) -> dict[str, Any]:
        return {
            "ref": name,
            "name": name,
            "class": "demo_directory",
            "host": host,
            "attributes": {
                "path": str(self.home / name),
                "clean_pattern": "*.log",
                "clean_older_than_minutes": "60",
            },
            "probes": [
                {
                    "kind": "directory", "name": f"{name}-size", "path": str(self.home / name),
                    "max_files": MOST_FILES, "interval_s": self.interval_s,
                    "bad_after": 2, "good_after": 1,
                    "alertname": "DirectoryTooFull", "severity": "warning",
                }
            ],
        }  # fmt: skip

    def _pidfile(self, name: str) -> Path:
        return self.home / f"{name}.pid"

    def _starts(self, name: str) -> Path:
        return self.home / f"{name}.starts"


def _host(number: int) -> str:
    """Return what a host of this world is called; all of them are this machine."""
    return f"localhost-{number}" if number else "localhost"


def fill(folder: Path) -> None:
    """Put more old logs into a folder than `MOST_FILES`."""
    long_ago = time.time() - SIX_HOURS
    for number in range(OLD_FILES):
        path = folder / f"app-{number:03d}.log"
        path.write_bytes(b"x" * 100)
        os.utime(path, (long_ago, long_ago))


def delivery(
    alertname: str, fingerprint: str, *, symptom: str = "", **labels: str
) -> dict[str, Any]:
    """A webhook body as Alertmanager sends it, for one alert that begins now."""
    began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    named = {"alertname": alertname, "severity": "warning", **labels}
    return {
        "version": "4",
        "receiver": "ethops",
        "status": "firing",
        "groupKey": f'{{}}:{{alertname="{alertname}"}}',
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": "firing",
                "labels": named,
                "annotations": {"summary": f"{alertname} is told", "symptom": symptom},
                "startsAt": began,
                "fingerprint": fingerprint,
            }
        ],
    }
