"""The hands of the demo: breaks the small site for real, and looks how it is."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil

from ethops import env
from ethops.demo.places import DemoError, DemoPorts, Places
from ethops.demo.service import WELL
from ethops.demo.site import LOOPBACK

OLD_FILES = 214
OLD_FILE_BYTES = 300_000
TOO_YOUNG = ("today-1.log", "today-2.log", "today-3.log")
NOT_NAMED = ("ledger.csv", "README.txt")
READY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class World:
    """The small site while it runs."""

    places: Places
    ports: DemoPorts

    def start(self) -> subprocess.Popen[bytes]:
        """Start the keeper and return once every service answers.

        Raises:
            DemoError: one of them did not.
        """
        with (self.places.home / "keeper.log").open("ab") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "ethops.demo.keeper", str(self.places.declaration)],
                cwd=env.CLONE,
                env=env.inherited(),
                # Open as long as we live: its end tells the keeper that we are gone.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us alone.
                start_new_session=True,
            )
        end = time.monotonic() + READY_SECONDS
        while not (self.is_well(self.ports.web) and self.is_well(self.ports.cache)):
            if time.monotonic() > end or keeper.poll() is not None:
                keeper.kill()
                raise DemoError(
                    "the demo's own services did not start",
                    hint="Its log says why; a port may be taken: try --port-base 9100.",
                    log=self.places.home / "keeper.log",
                )
            time.sleep(0.05)
        return keeper

    def pid(self, name: str) -> int:
        """Return the pid that the keeper wrote last, 0 where it has none."""
        try:
            return int(self.places.pidfile(name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def freeze(self, name: str) -> int:
        """Stop a service so that the kernel still accepts for it and nobody answers."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def is_well(self, port: int) -> bool:
        """Tell whether the service on this port says that it is well."""
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{LOOPBACK}:{port}/", timeout=1.0, trust_env=False)
            return answer.status_code == httpx.codes.OK and WELL in answer.text
        return False

    def fill(self) -> None:
        """Put old logs into the spool, and some files that no rule may touch."""
        long_ago = time.time() - 6 * 3600
        content = os.urandom(OLD_FILE_BYTES)
        for number in range(OLD_FILES):
            path = self.places.spool / f"app-{number:03d}.log"
            path.write_bytes(content)
            os.utime(path, (long_ago, long_ago))
        for name in (*TOO_YOUNG, *NOT_NAMED):
            (self.places.spool / name).write_text("keep me\n", encoding="ascii")
        for name in NOT_NAMED:
            os.utime(self.places.spool / name, (long_ago, long_ago))
        (self.places.spool / "link.log").symlink_to(self.places.site_file)

    def spool(self) -> tuple[set[str], int]:
        """Return the names in the spool and the bytes of its files."""
        entries = list(self.places.spool.iterdir())
        return {entry.name for entry in entries}, sum(entry.lstat().st_size for entry in entries)

    def inbox(self) -> list[dict[str, Any]]:
        """Return the notices that arrived."""
        with suppress(FileNotFoundError):
            text = self.places.box.read_text(encoding="utf-8")
            return [json.loads(line) for line in text.splitlines()]
        return []

    def database_pid(self) -> int:
        """Return the pid of PostgreSQL."""
        return int(self.places.database_pidfile.read_text(encoding="ascii").split()[0])

    def is_process(self, pid: int) -> bool:
        """Tell whether a process of this pid lives."""
        with suppress(psutil.Error):
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        return False


LEFT = {*TOO_YOUNG, *NOT_NAMED, "link.log"}
"""What must be in the spool after it was cleaned by its rule."""


def alert(labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    """Return a webhook body as Alertmanager sends it for one alert that begins now."""
    began = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = labels["alertname"]
    return {
        "version": "4",
        "receiver": "ethops",
        "status": "firing",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "groupLabels": {"alertname": name},
        "commonLabels": dict(labels),
        "commonAnnotations": dict(annotations),
        "externalURL": "http://alertmanager.example",
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": "firing",
                "labels": dict(labels),
                "annotations": dict(annotations),
                "startsAt": began,
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": _fingerprint(labels),
            }
        ],
    }


def deliver(body: Mapping[str, Any], *, port: int, token: str) -> None:
    """Deliver an alert through the webhook, as a monitoring system does."""
    answer = httpx.post(
        f"http://{LOOPBACK}:{port}/api/v1/webhooks/alertmanager",
        json=dict(body),
        headers={"Authorization": f"Bearer {token}"},
        timeout=10.0,
        trust_env=False,
    )
    answer.raise_for_status()


def _fingerprint(labels: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]
