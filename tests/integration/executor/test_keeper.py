"""The demo's keeper: starts again what ends, and ends with who started it."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from ethops.env import CLONE
from tests.waiting import eventually

pytestmark = pytest.mark.processes


@pytest.fixture
def keeper(tmp_path):
    declared = [
        {
            "name": "sleeper",
            "command": [sys.executable, "-c", "import time; time.sleep(600)"],
            "pidfile": str(tmp_path / "sleeper.pid"),
        }
    ]
    (tmp_path / "services.json").write_text(json.dumps(declared))
    process = subprocess.Popen(
        [sys.executable, "-m", "ethops.demo.keeper", str(tmp_path / "services.json")],
        cwd=CLONE,
        stdin=subprocess.PIPE,
    )
    eventually((tmp_path / "sleeper.pid").exists)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


@pytest.fixture
def pid(tmp_path):
    return lambda: int((tmp_path / "sleeper.pid").read_text())


def test_a_service_that_ends_is_started_again(keeper, pid):
    old = pid()
    os.kill(old, signal.SIGKILL)
    assert eventually(lambda: pid() != old and psutil.pid_exists(pid()))


def test_the_keeper_ends_with_its_standard_input(keeper, pid, tmp_path):
    service = pid()
    keeper.stdin.close()
    keeper.wait(10)
    assert (psutil.pid_exists(service), (tmp_path / "sleeper.pid").exists()) == (False, False)


def test_a_killed_keeper_leaves_no_service_behind(keeper, pid):
    service = pid()
    keeper.kill()
    keeper.wait(10)
    eventually(lambda: not psutil.pid_exists(service))
