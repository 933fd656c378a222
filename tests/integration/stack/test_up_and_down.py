"""The commands `up`, `status` and `down`, as a person types them, on servers of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ethops import env
from ethops.secretfile import read_secrets
from ethops.stack import places
from ethops.stack.matrix import processes
from ethops.stack.ports import Ports, free_ports, is_free
from ethops.stack.status import is_alive

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(240)]

Type = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ports() -> dict[str, str]:
    free = free_ports()
    return {
        "ETHOPS_WEB_PORT": str(free.web),
        "ETHOPS_FLOWER_PORT": str(free.flower),
        "ETHOPS_PG_PORT": str(free.postgres),
        "ETHOPS_REDIS_PORT": str(free.redis),
    }


@pytest.fixture
def manage(tmp_path: Path, ports: dict[str, str]) -> Iterator[Type]:
    """Run `manage.py` as a person of a clone whose state is still empty."""
    state = tmp_path / "state"
    inherited = dict(os.environ)
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    said = {
        **inherited,
        **ports,
        "ETHOPS_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "ethops.settings",
    }

    def manage(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(env.CLONE / "manage.py"), *words],
            env={**said, **more},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    yield manage
    kept = read_secrets(state)
    if kept is not None:
        manage("down")
        places.remove(places.places(state, kept.stack_id))


def running(manage: Type) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manage("status", "--json").stdout)
    return found


def until_gone(pids: list[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


def test_nothing_outlives_a_kill_of_the_supervisor_or_a_down(
    manage: Type, ports: dict[str, str]
) -> None:
    first = manage("up", "--detach")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Ready." in first.stdout
    assert "login admin, password" in first.stdout
    found = running(manage)
    pids = [process["pid"] for process in found["processes"]]
    assert len(pids) == len(("postgres", "redis", *processes(Ports())))

    os.kill(found["pid"], signal.SIGKILL)
    until_gone(pids, 20)
    assert manage("status").returncode == 3

    again = manage("up", "--detach", "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert {"event": "ready", "admin_made": False} in events
    assert "schema" in [event.get("name") for event in events if event.get("fact") == "current"]
    pids = [process["pid"] for process in running(manage)["processes"]]

    down = manage("down")
    assert down.returncode == 0
    assert f"{len(pids)} processes ended, no one left" in down.stdout
    until_gone(pids, 0.5)
    assert all(is_free(int(port)) for port in ports.values())
    assert "nothing runs" in manage("down").stdout


def test_a_faulty_declared_file_refuses_the_start_before_any_server(
    manage: Type, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cis: 7\n")
    refused = manage("up", "--detach", ETHOPS_SITE=str(site))
    assert refused.returncode == 1
    assert "site.yaml:1" in refused.stdout
    assert "Nothing was started." in refused.stdout
    assert not (tmp_path / "state" / "secrets.json").exists()


def test_half_a_peer_refuses_every_command_with_its_mend(manage: Type, tmp_path: Path) -> None:
    refused = manage("check", NEO4J_URI="bolt://127.0.0.1:9", NEO4J_USER="ethops")
    assert refused.returncode == 1
    assert "NEO4J_USER='ethops' cannot be used: it goes with NEO4J_PASSWORD_FILE" in refused.stderr
    forge = {"ETHOPS_FORGE": "github", "ETHOPS_FORGE_REPOSITORY": "site/pages"}
    absent = str(tmp_path / "token")
    refused = manage("check", **forge, ETHOPS_FORGE_TOKEN_FILE=absent)
    assert refused.returncode == 1
    assert f"(adapters.E002) ETHOPS_FORGE_TOKEN_FILE={absent}: it cannot be" in refused.stderr


def test_a_bad_variable_refuses_every_command_with_its_mend(manage: Type) -> None:
    refused = manage("up", ETHOPS_WEB_PORT="eighty")
    assert refused.returncode == 1
    assert "ETHOPS_WEB_PORT='eighty' cannot be used: give a whole number" in refused.stderr
    assert "(env.refused)" in refused.stderr
    assert "Traceback" not in refused.stderr
