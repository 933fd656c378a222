"""A real Prometheus, Alertmanager and node-exporter of our own: loopback, own ports and folders."""

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ethops.stack.ports import free_ports
from ethops.stack.spawn import spawn
from tests.live.parts import ALERTMANAGER, EXPORTER, PROMETHEUS
from tests.waiting import eventually

LONGEST_START = 60.0

PROMETHEUS_YML = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - {{job_name: node, static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]}}
  - {{job_name: gone, static_configs: [{{targets: ["127.0.0.1:9"]}}]}}
"""
RULES_YML = """\
groups:
  - name: live
    rules:
      - alert: TargetGone
        expr: up{job="gone"} == 0
        labels: {severity: critical, ci: gone-1}
        annotations: {summary: "It is gone"}
"""
ALERTMANAGER_YML = """\
route: {{receiver: house, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: house, webhook_configs: [{{url: "http://127.0.0.1:{house}/"}}]}}]
"""


@dataclass(slots=True)
class Watched:
    """Where they are, and what was delivered to the house."""

    prometheus: str
    alertmanager: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Start all three, wait until they serve, and end them by their process ids."""
    bodies: list[bytes] = []
    house = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _taking(bodies))
    threading.Thread(target=house.serve_forever, daemon=True).start()
    free = free_ports()
    ports = {
        "prometheus": free.web, "alertmanager": free.flower, "exporter": free.postgres,
    }  # fmt: skip
    (folder / "prometheus.yml").write_text(PROMETHEUS_YML.format(**ports))
    (folder / "rules.yml").write_text(RULES_YML)
    (folder / "alertmanager.yml").write_text(ALERTMANAGER_YML.format(house=house.server_port))
    children: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in _commands(folder, ports).items():
            log = folder / f"{name}.log"
            children.append(spawn(command, environment={}, folder=folder, log=log))
        found = Watched(
            f"http://127.0.0.1:{ports['prometheus']}",
            f"http://127.0.0.1:{ports['alertmanager']}",
            bodies,
        )
        eventually(lambda: _serves(found.prometheus) and _serves(found.alertmanager), LONGEST_START)
        yield found
    finally:
        for child in children:
            child.kill()
            child.wait()
        house.shutdown()
        house.server_close()


def _commands(folder: Path, ports: dict[str, int]) -> dict[str, list[str]]:
    here = "127.0.0.1:{}"
    return {
        "exporter": [EXPORTER.inside, f"--web.listen-address={here.format(ports['exporter'])}"],
        "alertmanager": [
            ALERTMANAGER.inside,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address={here.format(ports['alertmanager'])}",
            "--cluster.listen-address=",
        ],
        "prometheus": [
            PROMETHEUS.inside,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address={here.format(ports['prometheus'])}",
        ],
    }


def _serves(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _taking(bodies: list[bytes]) -> type[http.server.BaseHTTPRequestHandler]:
    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *said: object) -> None:
            del said

    return Taking
