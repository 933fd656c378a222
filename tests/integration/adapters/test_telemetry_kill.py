"""An observer that is killed while it reads: no line twice, none skipped, however often."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from adapters import site, site_rows
from ethops.env import CLONE
from tests.conftest import point_django
from tests.servers import Servers
from tests.waiting import eventually

OURS = "SHA256:" + "o" * 43
KILLS = 5
PATIENCE_SECONDS = 60
COLLECT = """
import django
django.setup()
from adapters.registry import collector
while True:
    collector().collect()
"""


@pytest.fixture
def log(clean_db: None, servers: Servers, database_name: str, tmp_path: Path) -> Path:
    path = tmp_path / "auth.log"
    path.touch()
    file = tmp_path / "site.yaml"
    file.write_text(
        "hosts: [{name: here}]\n"
        f'keys: [{{name: executor, fingerprint: "{OURS}", accounts: [ethops]}}]\n'
        f'observers: [{{host: here, source: file, path: "{path}"}}]\n'
    )
    found = site.read(file)
    assert found.value is not None, found.faults
    point_django(servers, database_name, "ethops_owner")
    site_rows.apply(found.value)
    point_django(servers, database_name, "ethops_app")
    return path


@pytest.mark.processes
def test_killed_again_and_again_it_reads_each_line_once(
    log: Path,
    role: Callable[[str], psycopg.Connection],
    servers: Servers,
    database_name: str,
    tmp_path: Path,
) -> None:
    app = role("app")

    def ports() -> list[int]:
        return [row[0] for row in app.execute("SELECT port FROM telemetry_use ORDER BY id")]

    def began() -> bool:
        found = app.execute("SELECT began_at IS NOT NULL FROM telemetry_observer").fetchone()
        return bool(found and found[0])

    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ethops.settings",
        "ETHOPS_PROCESS": "control",
        "ETHOPS_STATE": str(tmp_path),
        "DATABASE_URL": servers.dsn("ethops_app", database_name),
        "ETHOPS_DATABASE_POOL": "0",
    }
    written = 0

    def write_some() -> None:
        nonlocal written
        for _ in range(40):
            written += 1
            write(log, written)
            if written % 25 == 0:
                log.rename(log.with_name(f"auth.log.{written}"))
                log.touch()

    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", COLLECT], cwd=CLONE, env=environment) as child:
            try:
                eventually(began, PATIENCE_SECONDS)
                write_some()
                before = written - 40
                eventually(lambda: len(ports()) > before, PATIENCE_SECONDS)  # noqa: B023 - waited for at once
                write_some()
            finally:
                child.kill()
    with subprocess.Popen([sys.executable, "-c", COLLECT], cwd=CLONE, env=environment) as child:
        try:
            eventually(lambda: len(ports()) >= written, PATIENCE_SECONDS)
        finally:
            child.kill()
    assert ports() == list(range(1, written + 1))


def write(log: Path, port: int) -> None:
    said = f"Accepted publickey for ethops from 10.9.0.5 port {port} ssh2: ED25519 {OURS}"
    with log.open("a") as stream:
        stream.write(f"{datetime.now(UTC).isoformat()} here sshd[9]: {said}\n")
